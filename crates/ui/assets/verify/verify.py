import base64, hashlib, hmac, time

def verify(key, headers, body):
    """Whether Gatepost sent this. The body is the bytes as they came, not yet parsed."""
    sent = headers["webhook-timestamp"]
    if abs(time.time() - int(sent)) > 300:
        return False  # Old: perhaps somebody sends again what they overheard.
    signed = f'{headers["webhook-id"]}.{sent}.'.encode() + body
    secret = base64.b64decode(key.removeprefix("whsec_"))
    own = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    # While a key is being rotated there are two signatures: one that fits is enough.
    signatures = headers["webhook-signature"].encode().split()
    return any(hmac.compare_digest(b"v1," + own, one) for one in signatures)
