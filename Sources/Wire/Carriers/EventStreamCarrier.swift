extension Carrier {
    /// An event stream (Server-Sent Events): one message in one event, whose id is the cursor.
    public static let eventStream = Carrier(
        "eventstream",
        [.isStream, .hasFields],
        contentType: "text/event-stream; charset=utf-8",
        heartbeat: EventStreamEncoder.heartbeat,
        start: { retryMilliseconds, wishes, output in
            // Lines of the block that `welcome` ends: by themselves they would be an empty event to some clients.
            EventStreamEncoder.appendPrelude(
                retryMilliseconds: retryMilliseconds,
                paddingCount: wishes.paddingCount,
                to: &output
            )
        },
        message: { message, output in
            EventStreamEncoder.appendEvent(id: message.cursor, name: message.name, data: message.data, to: &output)
        },
        end: { _, _, lastID, output in
            guard var lastID else { return }
            lastID.withUTF8 { EventStreamEncoder.appendID(UnsafeRawBufferPointer($0), to: &output) }
        }
    )
}
