/** A certificate authority for one test: a server's certificate for 127.0.0.1 and a client's, as PEM files. */
import "reflect-metadata";
import { createPrivateKey, webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import * as x509 from "@peculiar/x509";

export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const VALID_MS = 24 * 60 * 60 * 1000;

export async function makeCertificates(folder: string): Promise<Certificates> {
  const authority = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const valid = { notBefore: new Date(Date.now() - VALID_MS), notAfter: new Date(Date.now() + VALID_MS) };
  const issuer = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=RayFlow test CA",
      keys: authority,
      ...valid,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto,
  );
  const issue = async (name: string, extensions: x509.Extension[]) => {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create(
      {
        subject: `CN=${name}`,
        issuer: issuer.subject,
        publicKey: keys.publicKey,
        signingKey: authority.privateKey,
        signingAlgorithm: algorithm,
        ...valid,
        extensions,
      },
      webcrypto,
    );
    const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
    const pem = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" });
    return {
      cert: write(`${name}.pem`, certificate.toString("pem")),
      key: write(`${name}.key`, pem.toString()),
    };
  };
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    return file;
  };
  const local = new x509.SubjectAlternativeNameExtension([
    { type: "ip", value: "127.0.0.1" },
    { type: "dns", value: "localhost" },
  ]);
  return {
    ca: write("ca.pem", issuer.toString("pem")),
    server: await issue("server", [local, new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])]),
    client: await issue("client", [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]),
  };
}
