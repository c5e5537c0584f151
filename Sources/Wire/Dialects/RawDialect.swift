extension Dialect {
    /// The payload and nothing else. Where the carrier can have it only as JSON it is a JSON value; bytes that it cannot carry
    /// are base64. What is no publication is not told: it could be taken for one.
    public static let raw = Dialect(
        publication: { publication, traits, output in
            if traits.contains(.takesJSONOnly) {
                Envelope.appendValue(publication.payload, to: &output)
                return .json
            }
            switch publication.payload {
            case .json(let bytes):
                output.append(bytes)
                return .json
            case .text(let bytes):
                output.append(bytes)
                return .text
            case .binary(let bytes) where traits.contains(.takesBinary):
                output.append(bytes)
                return .bytes
            case .binary(let bytes):
                Base64.encode(bytes, to: &output)
                return .text
            case .removal:
                output.append("null")
                return .json
            }
        },
        control: Dialect.perseid.control,
        commands: Dialect.perseid.commands,
        command: Dialect.perseid.command,
        hasControlMessages: false
    )
}
