/** The generated description of a service as grpc-js wants it: how each message becomes bytes, and what reflection tells. */
import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import type { ReflectionService } from "@grpc/reflection";

/** `MethodName` → how grpc-js calls it. Handlers get and give the generated types. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method): [string, MethodDefinition<unknown, unknown>] => [
      method.name,
      {
        path: `/${service.typeName}/${method.name}`,
        requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
        responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
        ...converters("request", method.input),
        ...converters("response", method.output),
      } as MethodDefinition<unknown, unknown>,
    ]),
  );
}

function converters<D extends DescMessage>(side: "request" | "response", schema: D) {
  return {
    [`${side}Serialize`]: (message: MessageShape<D>) => Buffer.from(toBinary(schema, message)),
    [`${side}Deserialize`]: (bytes: Uint8Array) => fromBinary(schema, bytes),
  };
}

type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/** What reflection shows: the services, and every file that they need or that is named beside them. */
export function packageDefinition(services: readonly DescService[], more: readonly DescMessage[]): PackageDefinition {
  const files = new Map<string, FileDescriptorProto>();
  const add = (file: DescService["file"]): void => {
    for (const dependency of file.dependencies) add(dependency);
    files.set(file.proto.name, create(FileDescriptorProtoSchema, file.proto));
  };
  for (const { file } of [...services, ...more]) add(file);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file)),
  );
  const [first] = services;
  // Reflection reads the files alone, wherever they hang.
  const entry = { format: "Protocol Buffer 3 DescriptorProto", type: {}, fileDescriptorProtos };
  return { [first?.typeName ?? "service"]: entry } as unknown as PackageDefinition;
}
