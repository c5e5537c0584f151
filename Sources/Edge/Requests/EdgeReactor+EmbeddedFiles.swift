internal import Wire

extension EdgeReactor {
    /// Answers with a file that is embedded, or that the browser has it already.
    func answer(_ request: borrowing HTTPRequest, _ exchange: Exchange, with file: EmbeddedFile) {
        var exchange = exchange
        if file.isForEverySite { exchange.origin = "*" }
        let isKnown = request.knows(tag: file.tag)
        file.bytes.withUnsafeBytes { bytes in
            answer(
                exchange,
                status: isKnown ? 304 : 200,
                contentType: isKnown ? nil : file.contentType,
                isKnown ? literal("") : bytes
            ) {
                $0.append(field: "ETag", utf8: file.tag)
                $0.append(field: "X-Content-Type-Options", "nosniff")
                if file.isForEverySite {
                    // An hour: then the browser asks whether the node has another one.
                    $0.append(field: "Cache-Control", "public, max-age=3600")
                    $0.append(field: "Cross-Origin-Resource-Policy", "cross-origin")
                    $0.append(field: "X-TypeScript-Types", "/perseid.d.ts")
                } else {
                    // Asked for each time, so that a page never has the style or the script of another version.
                    $0.append(field: "Cache-Control", "no-cache")
                    $0.append(field: "Cross-Origin-Resource-Policy", "same-origin")
                }
                if !file.policy.isEmpty {
                    $0.append(field: "Content-Security-Policy", utf8: file.policy)
                    $0.append(field: "Referrer-Policy", "no-referrer")
                }
            }
        }
    }
}
