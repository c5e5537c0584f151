extension Dialect {
    /// Bayeux 1.0: a publication is a delivery, without the fields by which clients know replies (`clientId`, `id`, `successful`).
    /// What is not a publication is answered to who asked, and is not told here.
    public static let bayeux = bayeux { publication, output in Bayeux.append(publication, number: nil, to: &output) }

    /// The same for a client of the extension `replay`: a delivery has the number from which on it may come back, where
    /// Salesforce's clients look for it.
    public static let bayeuxReplay = bayeux { publication, output in
        Bayeux.append(publication, number: publication.position.map(BayeuxReplay.number), to: &output)
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
    /// The value of `data`, and the fields behind it: JSON as it is, text as a string, bytes as base64, and null for what is gone.
    static func append(_ publication: Dialect.Publication, number: UInt64?, to output: inout ByteBuffer) {
        if let number {
            append(publication.payload, numbered: number, to: &output)
        } else {
            Envelope.appendValue(publication.payload, to: &output)
        }
        append(extensionsOf: publication, number: number, to: &output)
    }

    /// `ext`, if there is anything to say: that the data is base64, as the extension `binary` does; the number of the extension `replay`; and
    /// of a keyed channel what Perseid's JSON has beside the data, for which Bayeux has no field.
    private static func append(
        extensionsOf publication: Dialect.Publication,
        number: UInt64?,
        to output: inout ByteBuffer
    ) {
        guard publication.payload.isBinary || number != nil || publication.key != nil else { return }
        var separator: StaticString = ",\"ext\":{"
        func begin(_ field: StaticString) {
            output.append(separator)
            output.append(field)
            separator = ","
        }
        if publication.payload.isBinary { begin("\"binary\":{}") }
        if let number {
            begin("\"replayId\":")
            output.append(decimal: number)
        }
        if let key = publication.key {
            begin("\"key\":")
            output.appendJSONString(key)
            if publication.isSnapshot { begin("\"snapshot\":true") }
            if publication.payload.isRemoval { begin("\"removed\":true") }
        }
        output.append("}")
    }

    /// The data with a number in it, if it is an object that has room for that.
    private static func append(_ payload: Envelope.Payload, numbered number: UInt64, to output: inout ByteBuffer) {
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
    fileprivate var isRemoval: Bool { if case .removal = self { true } else { false } }
}
