/// The name of a function of a page, as it may stand in a script: identifiers with dots between them, `app.onMessage`.
///
/// Letters, digits, `_` and `$` of ASCII, and no digit first: nothing else could be meant, and everything else could be more than
/// a name.
public struct CallbackName: Sendable, Equatable {
    /// Longest in bytes: what jQuery draws has 45, and who needs a program to fit into a name has no room.
    public static let byteCountMax = 128

    /// The name.
    public let text: String

    /// Takes a name; `nil` where it is none.
    public init?(_ text: String) {
        guard (1...Self.byteCountMax).contains(text.utf8.count) else { return nil }
        let identifiers = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard identifiers.allSatisfy(Self.isIdentifier) else { return nil }
        self.text = text
    }

    private static func isIdentifier(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, !first.isDigit else { return false }
        return bytes.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                UInt8(ascii: "$"):
                true
            default: $0.isDigit
            }
        }
    }
}
