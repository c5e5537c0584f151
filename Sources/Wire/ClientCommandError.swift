/// Why a client's message is not a command.
public struct ClientCommandError: Error, Hashable, Sendable {
    /// What is wrong.
    public enum Reason: Hashable, Sendable {
        /// The message is not one JSON object.
        case notAnObject
        /// The message is an array of more commands than it may have.
        case tooMany(Int)
        /// The field is needed and not there.
        case missing
        /// The field has another type than it must have.
        case wrongType
        /// The field is longer than it may be.
        case tooLong
        /// The field has a value that nothing stands for.
        case unknown
        /// The field stands beside another that says the same otherwise.
        case beside(ClientCommand.Field)
        /// The field is not base64 as RFC 4648 §4 writes it.
        case notBase64
    }

    /// What is wrong.
    public var reason: Reason

    /// The field it is wrong with; nil if it is the message as a whole.
    public var field: ClientCommand.Field?

    /// Where the raw JSON of the command's id is in the message, so that the answer can carry it.
    public var id: Range<Int>?

    /// One sentence for the client.
    public var message: String {
        let name = field?.rawValue ?? "message"
        return switch reason {
        case .notAnObject: "the message is not a JSON object"
        case .tooMany(let countMax): "the message has more than \(countMax) commands"
        case .missing: "\(name) is missing"
        case .wrongType: "\(name) must be \(Self.type(of: field))"
        case .tooLong where field == .once: "\(name) must have 1 to \(PublicationLine.onceBytesMax) bytes"
        case .tooLong: "\(name) is longer than \(ClientCommand.idBytesMax) bytes"
        case .notBase64: "\(name) is not base64 with its padding"
        case .beside(let other): "\(name) cannot stand beside \(other.rawValue)"
        case .unknown: "\(name) is not one of \(ClientCommand.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        }
    }

    private static func type(of field: ClientCommand.Field?) -> String {
        switch field {
        case .id: "a number or a string"
        case .removed: "true or false"
        case .maxRate: "a number"
        default: "a string"
        }
    }
}
