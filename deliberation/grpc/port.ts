/** Where clients of the executor look for it. Apart from the server, which loads gRPC. */
export const DEFAULT_GRPC_PORT = 50056;
