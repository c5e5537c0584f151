internal import Crypto

/// By what a backend knows that a request is a node's, is of now, and is for this hook: `Perseid-Signature`, HMAC-SHA256 over
/// `<timestamp>.<hook>.<body>` in hexadecimal digits, one for each key.
enum HookSignature {
    static func text(_ secrets: [[UInt8]], timestamp: UInt64, hook: String, body: [UInt8]) -> String {
        let start = Array("\(timestamp).\(hook).".utf8)
        return secrets.map { secret in
            var code = HMAC<SHA256>(key: SymmetricKey(data: secret))
            code.update(data: start)
            code.update(data: body)
            return code.finalize().map { byte in
                String(byte >> 4, radix: 16) + String(byte & 0xF, radix: 16)
            }.joined()
        }.joined(separator: ", ")
    }
}
