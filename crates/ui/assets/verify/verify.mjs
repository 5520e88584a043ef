import { createHmac, timingSafeEqual } from "node:crypto";

// Whether Gatepost sent this. The body is the bytes as they came, not yet parsed.
export function verify(key, headers, body) {
  const sent = headers["webhook-timestamp"];
  // Old: perhaps somebody sends again what they overheard.
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return false;
  const secret = Buffer.from(key.replace("whsec_", ""), "base64");
  const hmac = createHmac("sha256", secret);
  const own = hmac.update(`${headers["webhook-id"]}.${sent}.`).update(body).digest();
  // While a key is being rotated there are two signatures: one that fits is enough.
  return headers["webhook-signature"].split(" ").some((one) => {
    const theirs = Buffer.from(one.replace("v1,", ""), "base64");
    return theirs.length === own.length && timingSafeEqual(theirs, own);
  });
}
