/// What a user, or a token, may be called. Such names stand in logs and in what backends are told, so that nothing in them begins a new
/// line there.
public enum PrincipalName {
    /// Bytes of the longest one.
    public static let byteCountMax = 1_024

    /// Whether a text is one: not empty, not too long, without control characters.
    public static func isValid(_ text: String) -> Bool {
        (1...byteCountMax).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }
}
