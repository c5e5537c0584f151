/// What both ends of a WebSocket agreed on by way of `permessage-deflate`.
///
/// Source: RFC 7692 §7.1, and RFC 6455 §9.1 for how offers are written.
public struct DeflateAgreement: Equatable, Sendable {
    /// The client keeps nothing of one message for the next, so each is compressed by itself.
    public private(set) var hasServerContext = true

    /// How far back a message may refer, as the base-two logarithm of bytes; said only by who wants less than the most.
    public private(set) var serverWindowBits: UInt8?

    /// Takes the first of the client's offers that can be met, in the order of its fields' lines; `nil` if there is none.
    ///
    /// An offer with a parameter that is unknown, said twice or has a wrong value is declined (§5.1, §7.1), others may follow it.
    /// A field that cannot be read offers nothing.
    public init?(offers lines: [String]) {
        for line in lines {
            var reader = ExtensionReader(line)
            guard let offers = reader.all() else { return nil }
            for offer in offers where offer.name == "permessage-deflate" {
                if let agreement = Self(offer.parameters) {
                    self = agreement
                    return
                }
            }
        }
        return nil
    }

    private init?(_ parameters: [ExtensionReader.Parameter]) {
        var seen: Set<String> = []
        for parameter in parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil): hasServerContext = false
            case ("client_no_context_takeover", nil): break
            case ("server_max_window_bits", let value?):
                guard let bits = Self.bits(value) else { return nil }
                serverWindowBits = bits
            // Whatever it is, no more than the most, for which there is room here.
            case ("client_max_window_bits", let value): if let value, Self.bits(value) == nil { return nil }
            default: return nil
            }
        }
    }

    /// A number from 8 to 15 without zeros in front of it, §7.1.2.
    private static func bits(_ text: String) -> UInt8? {
        guard let bits = UInt8(text), (8...15).contains(bits), "\(bits)" == text else { return nil }
        return bits
    }

    /// What the answer to the handshake says. The client is told to keep nothing of one message for the next, which it need not have
    /// offered (§7.1.1.2): so no memory is kept for it between its messages.
    public var text: String {
        var text = "permessage-deflate; client_no_context_takeover"
        if !hasServerContext { text += "; server_no_context_takeover" }
        if let serverWindowBits { text += "; server_max_window_bits=\(serverWindowBits)" }
        return text
    }
}

/// Reads what a client offers, RFC 6455 §9.1: a list of names, each with parameters that may have a value, in quotes or not.
private struct ExtensionReader {
    typealias Parameter = (name: String, value: String?)

    private var rest: Substring.UTF8View

    init(_ line: String) { rest = Substring(line).utf8 }

    /// All offers of the line, or `nil` where that is none. Empty elements of a list are passed over, RFC 9110 §5.6.1.
    mutating func all() -> [(name: String, parameters: [Parameter])]? {
        var offers: [(name: String, parameters: [Parameter])] = []
        repeat {
            skipSpaces()
            if rest.isEmpty || rest.first == UInt8(ascii: ",") { continue }
            guard let name = token() else { return nil }
            var parameters: [Parameter] = []
            while take(UInt8(ascii: ";")) {
                guard let parameter = parameter() else { return nil }
                parameters.append(parameter)
            }
            offers.append((name, parameters))
        } while take(UInt8(ascii: ","))
        return rest.isEmpty ? offers : nil
    }

    private mutating func parameter() -> Parameter? {
        skipSpaces()
        guard let name = token() else { return nil }
        guard take(UInt8(ascii: "=")) else { return (name, nil) }
        skipSpaces()
        guard let value = rest.first == UInt8(ascii: "\"") ? quoted() : token() else { return nil }
        return (name, value)
    }

    private mutating func token() -> String? {
        let token = rest.prefix { ByteSet.token.contains($0) }
        rest = rest.dropFirst(token.count)
        return token.isEmpty ? nil : String(token)?.lowercased()
    }

    /// What is in quotes must be a token without them.
    private mutating func quoted() -> String? {
        guard take(UInt8(ascii: "\"")), let value = token(), take(UInt8(ascii: "\"")) else { return nil }
        return value
    }

    /// Takes a sign, with spaces in front of it; says whether it was there.
    private mutating func take(_ sign: UInt8) -> Bool {
        skipSpaces()
        guard rest.first == sign else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func skipSpaces() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }
}
