/// One accepted socket; the descriptor is its index.
struct Client {
    /// Where a slow reader is in the channel's log; `upToDate` for everybody else, so that they cost no bookkeeping.
    var logOffset = Client.upToDate
    var channel: Channel?
    /// The start of a request that has not arrived whole.
    var incompleteRequest: [UInt8] = []

    static let upToDate = -1
}
