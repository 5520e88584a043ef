import { createPublicKey, verify as check } from "node:crypto";

// Whether Gatepost sent this, by the URL's public key. The body is the bytes as they came, not yet parsed.
export function verify(key, headers, body) {
  const sent = headers["webhook-timestamp"];
  // Old: perhaps somebody sends again what they overheard.
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return false;
  const x = Buffer.from(key.replace("whpk_", ""), "base64").toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), Buffer.from(body)]);
  // While a key is being rotated there are two signatures: one that fits is enough.
  const signatures = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"));
  return signatures.some((one) => check(null, signed, publicKey, Buffer.from(one.slice(4), "base64")));
}
