import PerseidClient

/// Says on standard error what happens to a connection: each thing once, however often it is tried.
struct ConnectionLog {
    /// Says nothing, but judges.
    private let isSilent: Bool
    private var isOpen = false
    private var wasOpen = false
    private var lastSaid = ""

    init(isSilent: Bool = false) { self.isSilent = isSilent }

    /// What a command gives up for, although a client would go on: a place that is not there, and a session that is somebody else's now.
    private static let finalCodes: Set<Int> = [200, 404, 4_001]

    /// Says how it stands. Returns why there is no use in going on, if there is none.
    mutating func note(_ state: ConnectionState) -> PerseidError? {
        switch state {
        case .connecting: break
        case .open:
            if !isSilent { StandardError.say(wasOpen ? "connected again" : "connected") }
            (isOpen, wasOpen, lastSaid) = (true, true, "")
        case .complaint(let error): if !isSilent { StandardError.say("the node says: \(error)") }
        case .waiting(let error, let address, _):
            if Self.finalCodes.contains(error.code) { return error }
            say(error, address)
            isOpen = false
        }
        return nil
    }

    private mutating func say(_ error: PerseidError, _ address: String) {
        let authority = address.split(separator: "/").last.map(String.init) ?? address
        let text =
            switch (error.code, isOpen) {
            case (4_000..., _): "the node ends the stream: \(error.message)"
            case (_, true): "lost: \(error); trying again"
            case (_, false): "\(authority): \(error); trying again"
            }
        if text != lastSaid, !isSilent { StandardError.say(text) }
        lastSaid = text
    }

    func note(_ opened: Opened) {
        guard let isRecovered = opened.isRecovered else { return }
        StandardError.say("\(opened.channel): \(isRecovered ? "resumed, nothing was missed" : "resumed with a gap")")
    }

    func note(_ gap: Gap) {
        StandardError.say("\(gap.channel): gap, what lay after \(gap.from) up to \(gap.to) is gone")
    }
}
