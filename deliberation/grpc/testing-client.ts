/** A client that knows nothing of the service but what reflection tells it, as grpcurl does. For tests. */

import { createRequire } from "node:module";
import path from "node:path";
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceError } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from "@grpc/proto-loader";

const LOADING = { keepCase: true, longs: Number, defaults: true, oneofs: true } as const;
const reflectionProto = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json")),
  "build/proto/grpc/reflection/v1/reflection.proto",
);

export type Message = Readonly<Record<string, unknown>>;

export interface ReflectedClient {
  readonly services: readonly string[];
  /** By the method's name in the proto. Rejects with a ServiceError. */
  call(method: string, request?: Message, deadlineMs?: number): Promise<Message>;
  /** What a stream gives until it ends; fails with what it failed with. `take` may stop it by giving false. */
  stream(method: string, request: Message, take?: (message: Message) => boolean | undefined): Promise<Message[]>;
  /** Sends bytes that are no message of the method. */
  callRaw(method: string, bytes: Buffer): Promise<Message>;
  close(): void;
}

type Constructor = new (address: string, how: ReturnType<typeof credentials.createInsecure>) => Client;

export async function reflectedClient(address: string, service: string): Promise<ReflectedClient> {
  const how = credentials.createInsecure();
  const { services, definition } = await reflect(address, service);
  let found: unknown = loadPackageDefinition(definition);
  for (const part of service.split(".")) found = (found as Record<string, unknown>)[part];
  const client = new (found as Constructor)(address, how);
  const methods = client as unknown as Record<string, (...args: unknown[]) => unknown>;
  const method = (name: string) =>
    methods[name]?.bind(client) ?? (() => Promise.reject(new Error(`no method ${name}`)));
  return {
    services,
    call: (name, request = {}, deadlineMs = 20_000) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + deadlineMs;
        method(name)(request, new Metadata(), { deadline }, (error: ServiceError | null, answer: Message) =>
          error === null ? resolve(answer) : reject(error),
        );
      }),
    stream: (name, request, take = () => undefined) =>
      new Promise((resolve, reject) => {
        const got: Message[] = [];
        const call = method(name)(request, new Metadata(), {
          deadline: Date.now() + 40_000,
        }) as NodeJS.ReadableStream & {
          cancel(): void;
        };
        let stopped = false;
        call.on("data", (message: Message) => {
          got.push(message);
          if (stopped || take(message) !== false) return;
          stopped = true;
          call.cancel();
          resolve(got);
        });
        call.on("end", () => resolve(got));
        call.on("error", (error) => (stopped ? resolve(got) : reject(error)));
      }),
    callRaw: (name, bytes) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${service}/${name}`,
          (raw: Buffer) => raw,
          (raw: Buffer) => ({ raw }),
          bytes,
          (error: ServiceError | null, answer?: Message) => (error === null ? resolve(answer ?? {}) : reject(error)),
        );
      }),
    close: () => client.close(),
  };
}

/** Asks the server for its services, and for the files that one of them needs. */
async function reflect(
  address: string,
  service: string,
): Promise<{ services: string[]; definition: PackageDefinition }> {
  const loaded = loadPackageDefinition(loadSync(reflectionProto, LOADING)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: Constructor } } };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(address, credentials.createInsecure());
  const ask = (question: Message): Promise<Message> =>
    new Promise((resolve, reject) => {
      const call = (client as unknown as Record<string, () => NodeJS.ReadWriteStream>).ServerReflectionInfo?.();
      call?.on("data", (answer: unknown) => {
        resolve(answer as Message);
        call.end();
      });
      call?.on("error", reject);
      call?.write(question as never);
    });
  const list = (await ask({ list_services: "*" })) as { list_services_response: { service: { name: string }[] } };
  const services = list.list_services_response.service.map(({ name }) => name);
  const files = (await ask({ file_containing_symbol: service })) as {
    file_descriptor_response: { file_descriptor_proto: Buffer[] };
  };
  client.close();
  // A FileDescriptorSet is the files, each as field 1.
  const set = files.file_descriptor_response.file_descriptor_proto.map((file) =>
    Buffer.concat([Buffer.from([0x0a]), varint(file.length), file]),
  );
  return { services, definition: loadFileDescriptorSetFromBuffer(Buffer.concat(set), LOADING) };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
