internal import Broker

/// The name of one will: of a node, until another carries it out. A node that lives on begins another one.
///
/// Size: 8 bytes, drawn by chance. As text hexadecimal digits.
public struct WillID: Hashable, Sendable, CustomStringConvertible {
    private let number: UInt64

    /// Draws one.
    public init() { number = .random(in: 1...(.max)) }

    /// Reads the text form, or `nil` where it is not one.
    init?(_ text: some StringProtocol) {
        guard let number = UInt64(text, radix: 16), String(number, radix: 16) == text else { return nil }
        self.number = number
    }

    /// The text form.
    public var description: String { String(number, radix: 16) }
}
