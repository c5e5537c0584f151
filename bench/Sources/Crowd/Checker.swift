/// Holds each delivery against the one before: once, in order, of a channel that the client reads.
struct Checker {
    let board: Board
    let channels: Channels

    /// What a client gets; `client` is its number among all.
    @inline(__always)
    func check(_ publication: Message.Publication, to state: inout Client, client: UInt32, at nanoseconds: UInt64) {
        let kind = publication.kind
        let isRead = state.joined & 1 << UInt8(kind) != 0
        guard isRead, channels.number(ofClient: client, kind: kind) == publication.channel else {
            return board.count(.foreign)
        }
        board.count(.delivered)
        let newest = state[sequenceOf: kind]
        if publication.sequence <= newest {
            return board.count(publication.sequence == newest ? .doubled : .reordered)
        }
        if publication.sequence > newest + 1 {
            board.count(.lost, by: Int(publication.sequence - newest - 1))
        }
        state[sequenceOf: kind] = publication.sequence
        state[positionOf: kind] = publication.position
        board.noteDelivery(of: publication.publication, at: nanoseconds)
        let late = nanoseconds > publication.nanoseconds ? nanoseconds - publication.nanoseconds : 0
        board.record(state.isMoved ? .deliveryAfterLoss : .delivery, microseconds: late / 1_000)
    }

    /// What a client should have had by now and has not.
    func missing(of state: Client, client: UInt32) -> Int {
        (0..<3).reduce(0) { sum, kind in
            guard state.joined & 1 << UInt8(kind) != 0 else { return sum }
            let published = board.publishedCount(channels.place(ofClient: client, kind: kind))
            return sum + max(0, Int(published) - Int(state[sequenceOf: kind]))
        }
    }
}
