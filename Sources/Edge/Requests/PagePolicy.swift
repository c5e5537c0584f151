internal import Crypto
internal import Wire

/// What an embedded page may do (Content Security Policy Level 3): nothing but what its node serves, and what stands in it.
///
/// Its scripts and styles stand in the page, for whoever looks at its source; so that nothing runs that somebody else put there, each is
/// named by its hash, which is taken of the page as it is served.
enum PagePolicy {
    static func text(of page: String) -> String {
        [
            "default-src 'none'",
            "script-src 'self'" + hashes(of: "script", in: page),
            "style-src 'self'" + hashes(of: "style", in: page),
            "connect-src 'self'", "img-src 'self' data:", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'",
        ].joined(separator: "; ")
    }

    /// The sources for what stands between the tags of an element, each with a space before it. One that names a file is empty.
    private static func hashes(of element: String, in page: String) -> String {
        var sources = ""
        // What follows a start tag's name, each up to the next one.
        for part in page.split(separator: "<\(element)", omittingEmptySubsequences: false).dropFirst() {
            guard let start = part.firstIndex(of: ">"), let end = part.firstRange(of: "</\(element)>") else { continue }
            let content = part[part.index(after: start)..<end.lowerBound]
            if content.isEmpty { continue }
            var hash = ByteBuffer()
            SHA256.hash(data: Array(content.utf8)).withUnsafeBytes { Base64.encode($0, to: &hash) }
            sources += " 'sha256-" + String(decoding: hash.bytes, as: UTF8.self) + "'"
        }
        return sources
    }
}
