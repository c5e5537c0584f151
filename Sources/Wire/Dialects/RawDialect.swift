extension Dialect {
    /// The payload and nothing around it. Where the carrier can have it only as JSON it is a JSON value; bytes that it cannot
    /// carry come in Perseid's JSON.
    public static let raw = Dialect(
        publication: { publication, traits, output in
            if traits.contains(.takesJSONOnly) {
                Envelope.appendValue(publication.payload, to: &output)
                return false
            }
            switch publication.payload {
            case .json(let bytes), .text(let bytes):
                output.append(bytes)
                return false
            case .binary(let bytes) where traits.contains(.takesBinary):
                output.append(bytes)
                return true
            case .binary: return Dialect.perseid.publication(publication, traits, &output)
            }
        },
        control: Dialect.perseid.control,
        commands: Dialect.perseid.commands,
        hasControlMessages: { $0.contains(.hasFields) }
    )
}
