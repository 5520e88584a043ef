// Imports: crypto/hmac, crypto/sha256, encoding/base64, math, strconv, strings, time

// Verify tells whether Gatepost sent this. The header is r.Header.Get, the body is the bytes as they came.
func Verify(key string, header func(string) string, body []byte) bool {
	sent, err := strconv.ParseInt(header("webhook-timestamp"), 10, 64)
	if err != nil || math.Abs(float64(time.Now().Unix()-sent)) > 300 {
		return false
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(header("webhook-id") + "." + header("webhook-timestamp") + "."))
	mac.Write(body)
	own := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// While a key is being rotated there are two signatures: one that fits is enough.
	for _, one := range strings.Fields(header("webhook-signature")) {
		if hmac.Equal([]byte(own), []byte(one)) {
			return true
		}
	}
	return false
}
