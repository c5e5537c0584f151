internal import BenchWire
internal import CBench

/// The clients of one process and the thread that serves them: connects them, brings them back, reads what comes.
///
/// One large buffer receives for all of them. A client that is between two nodes waits in `waiting`, which is gone
/// through every 20 ms while somebody is in it.
final class Clients {
    let board: Board
    let requests: Requests
    let checker: Checker
    let firstClient: UInt32
    let count: Int
    let clients: UnsafeMutablePointer<Client>
    let received: UnsafeMutableRawPointer
    /// Starts of messages of which the rest has not arrived: of hardly anybody, at any time.
    var rests: [Int: [UInt8]] = [:]

    private let poller: Int32
    private let sources: [String]
    private var nodes: Nodes
    private let sessions: Sessions?
    private let startNanoseconds = bench_monotonic_nanoseconds()
    private var draw: SystemRandomNumberGenerator = .init()

    private var orders = Orders()
    /// Clients that have not been connected yet begin here, those that have not been subscribed to the kind here.
    private var nextToConnect: Int
    private var nextToSubscribe: Int
    private var kindToSubscribe = 0
    private var kindCount = 1
    private var underWayMax = 0
    private(set) var underWay = 0
    private var waiting: [Int] = []

    static let receiveByteCount = 256 * 1024
    static let eventCapacity = 1024
    /// How many may come back at once, however few may be under way otherwise: nobody holds back real clients either.
    static let returnsUnderWayMax = 2_000
    static let waitingNanoseconds: Int64 = 20_000_000
    static let idleNanoseconds: Int64 = 1_000_000_000
    static let sourceCount = 4
    static let ordersTag = UInt64(UInt32.max)

    init(board: Board, crowdNumber: Int, firstClient: UInt32, count: Int, carrier: Requests.Carrier) {
        self.board = board
        self.firstClient = firstClient
        self.count = count
        let channels = Channels(counts: board.channelCounts)
        requests = Requests(carrier: carrier, channels: channels)
        checker = Checker(board: board, channels: channels)
        clients = .allocate(capacity: count)
        clients.initialize(repeating: Client(), count: count)
        received = .allocate(byteCount: Clients.receiveByteCount, alignment: 64)
        sessions = carrier == .sessions ? Sessions(count: count) : nil
        nodes = Nodes(board: board)
        poller = bench_epoll_create()
        nextToConnect = count
        nextToSubscribe = count
        // Beyond 14,000 connections from one address to one port the kernel searches a millisecond for a free port.
        sources = (1...Clients.sourceCount).map { "127.\(1 + crowdNumber / 250).\(crowdNumber % 250).\($0)" }
    }

    /// Until it is told to quit, or its orders end.
    func run() throws {
        guard bench_epoll_add(poller, 0, EPOLLIN.rawValue, Clients.ordersTag) == 0 else {
            throw Refusal(description: "standard input cannot be polled")
        }
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Clients.eventCapacity)
        while !orders.isOver {
            let isBusy = !waiting.isEmpty || nextToConnect < count || nextToSubscribe < count
            let timeout = isBusy ? Clients.waitingNanoseconds : Clients.idleNanoseconds
            let eventCount = bench_epoll_wait(poller, events, Int32(Clients.eventCapacity), timeout)
            for place in 0..<Int(max(0, eventCount)) { handle(events[place]) }
            bringBack()
            goOn()
            board.set(.waiting, to: waiting.count)
        }
    }

    var milliseconds: UInt32 {
        UInt32(truncatingIfNeeded: (bench_monotonic_nanoseconds() - startNanoseconds) / 1_000_000)
    }

    /// Its number among the clients of all crowds.
    func number(_ index: Int) -> UInt32 { firstClient + UInt32(index) }

    private func handle(_ event: epoll_event) {
        guard event.data.u64 != Clients.ordersTag else { return obey() }
        let index = Int(event.data.u64)
        if clients[index].state == .connecting { return finishConnecting(index) }
        if clients[index].state != .idle { receive(index) }
    }

    // MARK: Orders

    private func obey() {
        for order in orders.read() {
            switch order {
            case .connect(let underWay, let kinds):
                (underWayMax, kindCount, nextToConnect) = (underWay, kinds, 0)
            case .subscribe(let underWay, let kind):
                (underWayMax, kindToSubscribe, nextToSubscribe) = (underWay, kind, 0)
            case .settle:
                for index in 0..<count { clients[index].isMoved = false }
            case .check:
                let missing = (0..<count).reduce(0) { $0 + checker.missing(of: clients[$1], client: number($1)) }
                board.set(.missing, to: missing)
                board.count(.checks)
            }
        }
    }

    /// Goes on with connecting and subscribing, as far as so many may be under way.
    private func goOn() {
        while nextToConnect < count, underWay < underWayMax {
            clients[nextToConnect].joined = UInt8(1 << kindCount - 1)
            connect(nextToConnect)
            nextToConnect += 1
        }
        while nextToSubscribe < count, underWay < underWayMax {
            subscribe(nextToSubscribe)
            nextToSubscribe += 1
        }
    }

    // MARK: Coming

    private func connect(_ index: Int) {
        let now = milliseconds
        let node = nodes.choose(atMilliseconds: now)
        let source = sources[index % sources.count]
        let descriptor = bench_connect(source, "127.0.0.1", board.port(ofNode: node))
        board.count(.begun)
        underWay += 1
        clients[index].node = UInt16(node)
        clients[index].begunMilliseconds = now
        clients[index].state = .connecting
        clients[index].descriptor = descriptor
        board.changeClients(ofNode: node, by: 1)
        guard descriptor >= 0, bench_epoll_add(poller, descriptor, EPOLLIN.rawValue, UInt64(index)) == 0 else {
            return fail(index, .unconnected)
        }
        // On loopback the handshake is over by now, nearly always.
        greet(index)
    }

    private func finishConnecting(_ index: Int) {
        guard bench_socket_error(clients[index].descriptor) == 0 else { return fail(index, .unconnected) }
        _ = bench_epoll_modify(poller, clients[index].descriptor, EPOLLIN.rawValue, UInt64(index))
        greet(index)
    }

    private func greet(_ index: Int) {
        let session = clients[index].isReturning ? sessions?[index] : nil
        let request = requests.connect(clients[index], client: number(index), session: session)
        let sent = send(request, to: index)
        if sent == -Int(EAGAIN) || sent == -Int(ENOTCONN) {
            _ = bench_epoll_modify(poller, clients[index].descriptor, EPOLLOUT.rawValue, UInt64(index))
        } else if sent == request.count {
            clients[index].state = .greeting
        } else {
            fail(index, .unconnected)
        }
    }

    func open(_ index: Int, status: Int) {
        guard status == (requests.carrier == .events ? 200 : 101) else { return fail(index, .refused) }
        nodes.trust(Int(clients[index].node))
        clients[index].state = .open
        clients[index].awaited = UInt8(clients[index].joined.nonzeroBitCount)
    }

    private func subscribe(_ index: Int) {
        clients[index].joined |= 1 << UInt8(kindToSubscribe)
        // Who is away asks for it on coming back.
        guard clients[index].state == .open, clients[index].awaited == 0 else { return }
        let frame = requests.subscribe(client: number(index), kind: kindToSubscribe)
        board.count(.ready, by: -1)
        underWay += 1
        clients[index].awaited = 1
        clients[index].begunMilliseconds = milliseconds
        sendText(frame, to: index)
    }

    func confirm(_ index: Int, kind: Int, position: Position, isRecovered: Bool) {
        guard clients[index].awaited > 0, kind < 3 else { return board.count(.malformed) }
        if !isRecovered { board.count(.gaps) }
        if clients[index].known & 1 << UInt8(kind) == 0 {
            clients[index].known |= 1 << UInt8(kind)
            board.count(.confirmed)
            let place = checker.channels.place(ofClient: number(index), kind: kind)
            clients[index][sequenceOf: kind] = board.publishedCount(place)
            clients[index][positionOf: kind] = position
        }
        clients[index].awaited -= 1
        if clients[index].awaited == 0 { becomeReady(index) }
    }

    private func becomeReady(_ index: Int) {
        underWay -= 1
        board.count(.ready)
        let now = milliseconds
        board.record(.connect, microseconds: UInt64(now &- clients[index].begunMilliseconds) * 1_000)
        if clients[index].lostMilliseconds != 0 {
            board.count(.returned)
            board.record(.absence, microseconds: UInt64(now &- clients[index].lostMilliseconds) * 1_000)
            clients[index].lostMilliseconds = 0
        }
        clients[index].isReturning = true
    }

    func keepSession(_ text: Message.ClosedText, of index: Int) { sessions?.set(index, text) }

    // MARK: Going

    /// The node said when to come back.
    func dismiss(_ index: Int, afterMilliseconds: UInt32) {
        board.count(.dismissed)
        leave(index, afterMilliseconds: afterMilliseconds)
    }

    /// A node that is too busy refuses a subscription: the client starts over, some time within the next second.
    func retry(_ index: Int) {
        guard clients[index].awaited > 0 else { return }
        leave(index, afterMilliseconds: .random(in: 500..<1_500, using: &draw))
    }

    func lose(_ index: Int) {
        guard clients[index].state == .open else { return fail(index, .unconnected) }
        board.count(.broken)
        nodes.doubt(Int(clients[index].node), atMilliseconds: milliseconds)
        // As clients do whose connection breaks: some time within the first second.
        leave(index, afterMilliseconds: .random(in: 0..<1_000, using: &draw))
    }

    private func fail(_ index: Int, _ counter: Counter) {
        board.count(counter)
        nodes.doubt(Int(clients[index].node), atMilliseconds: milliseconds)
        leave(index, afterMilliseconds: .random(in: 100..<600, using: &draw))
    }

    private func leave(_ index: Int, afterMilliseconds: UInt32) {
        let now = milliseconds
        let wasReady = clients[index].state == .open && clients[index].awaited == 0
        if wasReady { board.count(.ready, by: -1) } else { underWay -= 1 }
        if clients[index].isReturning, clients[index].lostMilliseconds == 0 {
            clients[index].lostMilliseconds = max(1, now)
            clients[index].isMoved = true
        }
        if clients[index].descriptor >= 0 { bench_close(clients[index].descriptor) }
        if clients[index].hasRest { rests[index] = nil }
        board.changeClients(ofNode: Int(clients[index].node), by: -1)
        clients[index].hasRest = false
        clients[index].descriptor = -1
        clients[index].state = .idle
        clients[index].awaited = 0
        clients[index].dueMilliseconds = now &+ afterMilliseconds
        waiting.append(index)
    }

    private func bringBack() {
        guard !waiting.isEmpty else { return }
        let now = milliseconds
        var due: [Int] = []
        waiting.removeAll { index in
            let isDue = clients[index].dueMilliseconds <= now && underWay + due.count < Clients.returnsUnderWayMax
            if isDue { due.append(index) }
            return isDue
        }
        for index in due { connect(index) }
    }

    // MARK: Sending

    func sendText(_ text: String, to index: Int) {
        let frame = WebSocketFrame.text(text)
        if send(frame, to: index) != frame.count { lose(index) }
    }

    func send(_ bytes: [UInt8], to index: Int) -> Int {
        bytes.withUnsafeBytes { bench_send(clients[index].descriptor, $0.baseAddress!, $0.count) }
    }
}
