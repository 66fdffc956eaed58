/** The bearer token: who has it may do everything, who has not may do nothing but see whether the gateway is well. */
import { createHash, timingSafeEqual } from "node:crypto";
import { RayflowError } from "../../flow/index.ts";

const BEARER = /^Bearer +(\S+) *$/i;

/** Checks a request's Authorization header; `undefined` lets everybody in. Throws Unauthorized. */
export function tokenCheck(token: string | undefined): (authorization: string | undefined) => void {
  if (token === undefined) return () => {};
  const expected = digest(token);
  return (authorization) => {
    const given = BEARER.exec(authorization ?? "")?.[1];
    if (given === undefined) {
      throw new RayflowError("Unauthorized", "this gateway wants a token: send Authorization: Bearer <token>");
    }
    // Digests are of one length, so that the comparison tells nothing about the token, not even how long it is.
    if (!timingSafeEqual(digest(given), expected)) throw new RayflowError("Unauthorized", "this is not the token");
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
