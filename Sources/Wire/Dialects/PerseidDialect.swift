extension Dialect {
    /// Perseid's JSON: each message is an object with its type.
    public static let perseid = Dialect(
        publication: { publication, _, output in
            Envelope.appendMessage(
                channel: publication.channel,
                position: publication.position,
                payload: publication.payload,
                to: &output
            )
            return false
        },
        hasControlMessages: { _ in true }
    )
}
