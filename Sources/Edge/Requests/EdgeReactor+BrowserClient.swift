internal import Crypto
internal import Wire

/// A file of the browser client as it is embedded, which every node serves.
struct BrowserClientFile: Sendable {
    let contentType: StaticString

    let bytes: [UInt8]

    /// The strong entity tag (RFC 9110 §8.8.3), quotes included: half of the hash of what is in it, in hexadecimal digits. So nodes of
    /// one version tell the same.
    let tag: String

    init(_ contentType: StaticString, _ bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
        let digits = SHA256.hash(data: bytes).prefix(16).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        tag = "\"" + digits.joined() + "\""
    }

    /// For `import`.
    static let module = BrowserClientFile("text/javascript; charset=utf-8", PackageResources.perseid_mjs)
    /// For a `script` element: it makes `Perseid` known to the page.
    static let script = BrowserClientFile("text/javascript; charset=utf-8", PackageResources.perseid_js)
    /// For editors and compilers of TypeScript, and Deno, which looks at the type.
    static let declarations = BrowserClientFile("application/typescript; charset=utf-8", PackageResources.perseid_d_ts)
}

extension EdgeReactor {
    /// Answers with a file of the browser client, or that the browser has it already. Pages of every site may have it: what they may do with
    /// it is asked of them then.
    func answer(_ request: borrowing HTTPRequest, _ exchange: Exchange, with file: BrowserClientFile) {
        var exchange = exchange
        exchange.origin = "*"
        let isKnown = request.knows(tag: file.tag)
        file.bytes.withUnsafeBytes { bytes in
            answer(
                exchange,
                status: isKnown ? 304 : 200,
                contentType: isKnown ? nil : file.contentType,
                isKnown ? literal("") : bytes
            ) {
                $0.append(field: "ETag", utf8: file.tag)
                // An hour: then the browser asks whether the node has another one.
                $0.append(field: "Cache-Control", "public, max-age=3600")
                $0.append(field: "Cross-Origin-Resource-Policy", "cross-origin")
                $0.append(field: "X-Content-Type-Options", "nosniff")
                $0.append(field: "X-TypeScript-Types", "/perseid.d.ts")
            }
        }
    }
}
