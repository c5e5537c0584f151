internal import Crypto
internal import Wire

/// A file that is embedded in the binary, which every node serves as it is, at one path. A value that is made once, when it is asked
/// for first.
struct EmbeddedFile: Sendable {
    /// What it is to a browser, and so which fields go along with it.
    enum Kind: Sendable {
        /// A page: its own scripts and styles run, and those of its node, and no others.
        case page
        /// A style or a script of such a page.
        case style, script
        /// A script, and its description, that pages of every site may load: what they may do with it is asked of them then.
        case library, declarations
    }

    let kind: Kind

    let bytes: [UInt8]

    /// The strong entity tag (RFC 9110 §8.8.3), quotes included: half of the hash of what is in it, in hexadecimal digits. So nodes of
    /// one version tell the same.
    let tag: String

    /// What a page may do, as `Content-Security-Policy`; empty where it is no page.
    let policy: String

    init(_ kind: Kind, _ bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
        let digits = SHA256.hash(data: bytes).prefix(16).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        tag = "\"" + digits.joined() + "\""
        policy = kind == .page ? PagePolicy.text(of: String(decoding: bytes, as: UTF8.self)) : ""
    }

    var contentType: StaticString {
        switch kind {
        case .page: "text/html; charset=utf-8"
        case .style: "text/css; charset=utf-8"
        case .script, .library: "text/javascript; charset=utf-8"
        case .declarations: "application/typescript; charset=utf-8"
        }
    }

    /// Whether pages of other sites may have it.
    var isForEverySite: Bool { kind == .library || kind == .declarations }

    /// Which paths have a file: the whole list.
    static let all: [(path: StaticString, file: EmbeddedFile)] =
        [
            // For `import`; for a `script` element, which makes `Perseid` known to the page; for editors and compilers of TypeScript, and
            // Deno, which looks at the type.
            ("/perseid.mjs", EmbeddedFile(.library, PackageResources.perseid_mjs)),
            ("/perseid.js", EmbeddedFile(.library, PackageResources.perseid_js)),
            ("/perseid.d.ts", EmbeddedFile(.declarations, PackageResources.perseid_d_ts)),
            // The demos, and what they share.
            ("/demo", EmbeddedFile(.page, PackageResources.host_html)),
            ("/demo/chat", EmbeddedFile(.page, PackageResources.chat_html)),
            ("/demo/note", EmbeddedFile(.page, PackageResources.note_html)),
            ("/demo/ticker", EmbeddedFile(.page, PackageResources.ticker_html)),
            ("/demo/assistant", EmbeddedFile(.page, PackageResources.assistant_html)),
            ("/demo/demo.css", EmbeddedFile(.style, PackageResources.demo_css)),
            ("/demo/frame.mjs", EmbeddedFile(.script, PackageResources.frame_mjs)),
            ("/demo/sky.mjs", EmbeddedFile(.script, PackageResources.sky_mjs)),
            ("/demo/sequence.mjs", EmbeddedFile(.script, PackageResources.sequence_mjs)),
        ] + console
}
