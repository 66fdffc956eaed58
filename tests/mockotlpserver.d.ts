/** What the tests use of a package that comes without types. */
declare module "@elastic/mockotlpserver" {
  export interface MockOtlpServerOptions {
    readonly logLevel?: string;
    readonly services?: readonly ("http" | "grpc" | "ui")[];
    readonly httpHostname?: string;
    readonly httpPort?: number;
    // The protobuf message as it was decoded: the test says what it reads of it.
    readonly onTrace?: (request: never) => void;
  }

  export class MockOtlpServer {
    readonly httpUrl: URL;
    constructor(options: MockOtlpServerOptions);
    start(): Promise<void>;
    close(): Promise<void>;
  }
}
