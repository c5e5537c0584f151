extension Dialect {
    /// Bayeux 1.0: a publication is a delivery, without the fields by which clients know replies (`clientId`, `id`, `successful`).
    /// What is not a publication is answered to who asked, and is not told here.
    public static let bayeux = bayeux { publication, output in Bayeux.append(publication, to: &output) }

    /// The same for a client of the extension `replay`: a delivery has the number from which on it may come back, where
    /// Salesforce's clients look for it.
    public static let bayeuxReplay = bayeux { publication, output in
        guard let position = publication.position else { return Bayeux.append(publication, to: &output) }
        let number = BayeuxReplay.number(of: position)
        Bayeux.append(publication.payload, numbered: number, to: &output)
        output.append(
            publication.payload.isBinary ? ",\"ext\":{\"binary\":{},\"replayId\":" : ",\"ext\":{\"replayId\":"
        )
        output.append(decimal: number)
        output.append("}")
    }

    private static func bayeux(
        _ data: @escaping @Sendable (Publication, inout ByteBuffer) -> Void
    ) -> Dialect {
        Dialect(
            publication: { publication, traits, output in
                // In one answer they are elements of its array; elsewhere each is an array of its own.
                let isElement = traits.contains(.isOneAnswer)
                output.append(isElement ? "{\"channel\":\"/" : "[{\"channel\":\"/")
                output.appendJSONContent(publication.channel)
                output.append("\",\"data\":")
                data(publication, &output)
                output.append(isElement ? "}" : "}]")
                return .json
            },
            control: { _, _ in },
            commands: Dialect.perseid.commands,
            command: Dialect.perseid.command,
            hasControlMessages: false
        )
    }
}

private enum Bayeux {
    /// JSON as it is, text as a string; bytes as base64, with the field that the extension `binary` names.
    static func append(_ publication: Dialect.Publication, to output: inout ByteBuffer) {
        Envelope.appendValue(publication.payload, to: &output)
        if publication.payload.isBinary { output.append(",\"ext\":{\"binary\":{}}") }
    }

    /// The data with a number in it, if it is an object that has room for that.
    static func append(_ payload: Envelope.Payload, numbered number: UInt64, to output: inout ByteBuffer) {
        guard case .json(let bytes) = payload, let start = bytes.firstIndex(of: UInt8(ascii: "{")),
            let fields = JSONFields(bytes, ["event"]), fields.raw(0) == nil
        else { return Envelope.appendValue(payload, to: &output) }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[(start + 1)...])
        output.append("{\"event\":{\"replayId\":")
        output.append(decimal: number)
        output.append(rest.first { !$0.isJSONWhitespace } == UInt8(ascii: "}") ? "}" : "},")
        output.append(rest)
    }
}

extension Envelope.Payload {
    fileprivate var isBinary: Bool { if case .binary = self { true } else { false } }
}
