internal import CBench

/// The event loop.
struct Server {
    private let poller: Int32
    private let listener: Int32
    private let coalesces: Bool
    /// nil where this process is the only node.
    private let relay: Relay?
    /// Indexed by descriptor: no dictionary, and no memory per connection beyond the slot.
    private let clients: UnsafeMutableBufferPointer<Client>
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Server.eventCapacity)
    private let received = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    private var channels: [String: Channel] = [:]
    private var dirtyChannels: [Channel] = []

    private static let eventCapacity = 1024
    private static let success = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    private static let refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

    init(port: UInt16, redisPort: UInt16?, coalesces: Bool, descriptorLimit: Int) throws {
        let poller = try checked(bench_epoll_create(), "create the poller")
        self.poller = poller
        self.coalesces = coalesces
        relay = try redisPort.map { try Relay(port: $0, poller: poller) }
        listener = try checked(bench_listen("127.0.0.1", port, 65535), "listen on port \(port)")
        _ = try checked(bench_epoll_add(poller, listener, EPOLLIN.rawValue, UInt64(listener)), "poll the listener")
        clients = .allocate(capacity: descriptorLimit)
        clients.initialize(repeating: Client())
    }

    mutating func run() throws {
        while true {
            let count = try checked(bench_epoll_wait(poller, events, Int32(Server.eventCapacity), -1), "poll")
            for index in 0..<Int(count) { try handle(events[index]) }
            flushDirtyChannels()
            try relay?.flush()
        }
    }

    private mutating func handle(_ event: epoll_event) throws {
        let descriptor = Int32(truncatingIfNeeded: event.data.u64)
        if descriptor == listener { return acceptAll() }
        if let relay, relay.owns(descriptor) { return try receive(from: relay, on: descriptor) }
        if event.events & EPOLLOUT.rawValue != 0 { catchUp(descriptor) }
        if event.events & ~EPOLLOUT.rawValue != 0 { receive(from: descriptor) }
    }

    private func acceptAll() {
        while case let descriptor = bench_accept(listener), descriptor >= 0 {
            _ = bench_epoll_add(poller, descriptor, EPOLLIN.rawValue, UInt64(descriptor))
        }
    }

    // MARK: Requests

    private mutating func receive(from descriptor: Int32) {
        let count = bench_receive(descriptor, received.baseAddress!, received.count)
        if count == -Int(EAGAIN) { return }
        guard count > 0 else { return close(descriptor) }
        // Pings and the close frame of a subscriber need no answer here.
        guard clients[Int(descriptor)].channel == nil else { return }
        read(UnsafeRawBufferPointer(rebasing: received[..<count]), from: descriptor)
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) {
        let index = Int(descriptor)
        if clients[index].incompleteRequest.isEmpty {
            let consumed = answerRequests(in: bytes, from: descriptor)
            if consumed < bytes.count { clients[index].incompleteRequest = Array(bytes[consumed...]) }
        } else {
            var whole = clients[index].incompleteRequest
            whole.append(contentsOf: bytes)
            let consumed = whole.withUnsafeBytes { answerRequests(in: $0, from: descriptor) }
            clients[index].incompleteRequest = Array(whole[consumed...])
        }
    }

    /// Returns how many bytes were whole requests.
    private mutating func answerRequests(in bytes: UnsafeRawBufferPointer, from descriptor: Int32) -> Int {
        var consumed = 0
        while let request = Request(UnsafeRawBufferPointer(rebasing: bytes[consumed...])) {
            answer(request, to: descriptor)
            consumed += request.count
        }
        return consumed
    }

    private mutating func answer(_ request: Request, to descriptor: Int32) {
        if let key = request.webSocketKey { return upgrade(descriptor, key: key, channelName: request.channelName) }
        if request.isPublish {
            if let relay { return relay.publish(request.body, to: request.channelName, for: descriptor) }
            publish(request.body, to: request.channelName)
        }
        send(Server.success, to: descriptor)
    }

    private mutating func upgrade(_ descriptor: Int32, key: UnsafeRawBufferPointer, channelName: String) {
        let accept = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 28) { accept in
            bench_websocket_accept(key.baseAddress!, key.count, accept.baseAddress!)
            return String(decoding: UnsafeRawBufferPointer(accept), as: UTF8.self)
        }
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        send("\(head)Sec-WebSocket-Accept: \(accept)\r\n\r\n", to: descriptor)
        let channel = channel(named: channelName)
        channel.members.append(descriptor)
        clients[Int(descriptor)].channel = channel
    }

    private mutating func channel(named name: String) -> Channel {
        if let channel = channels[name] { return channel }
        let channel = Channel()
        channels[name] = channel
        relay?.subscribe(to: name)
        return channel
    }

    // MARK: Redis

    private mutating func receive(from relay: Relay, on descriptor: Int32) throws {
        try relay.receive(
            from: descriptor,
            by: received,
            answer: { client, isTaken in send(isTaken ? Server.success : Server.refusal, to: client) },
            deliver: { payload, channelName in publish(payload, to: channelName) }
        )
    }

    // MARK: Fan-out

    private mutating func publish(_ payload: UnsafeRawBufferPointer, to channelName: String) {
        guard let channel = channels[channelName] else { return }
        channel.append(payload)
        if !coalesces { return flush(channel) }
        if !channel.isDirty {
            channel.isDirty = true
            dirtyChannels.append(channel)
        }
    }

    private mutating func flushDirtyChannels() {
        for channel in dirtyChannels {
            channel.isDirty = false
            flush(channel)
        }
        dirtyChannels.removeAll(keepingCapacity: true)
    }

    /// Sends what is new in the log to every member that is up to date.
    private func flush(_ channel: Channel) {
        channel.log.withUnsafeBytes { log in
            let fresh = UnsafeRawBufferPointer(rebasing: log[channel.flushedCount...])
            for member in channel.members where clients[Int(member)].logOffset == Client.upToDate {
                let sent = bench_send(member, fresh.baseAddress!, fresh.count)
                if sent != fresh.count { fallBehind(member, in: channel, sentCount: sent) }
            }
        }
        channel.flushedCount = channel.log.count
        channel.trim()
        if channel.log.count > Channel.windowBytes { dropLaggards(of: channel) }
    }

    private func fallBehind(_ member: Int32, in channel: Channel, sentCount: Int) {
        // A broken connection reports itself as readable; until then it waits here with the slow ones.
        clients[Int(member)].logOffset = channel.flushedCount + max(sentCount, 0)
        channel.laggardCount += 1
        _ = bench_epoll_modify(poller, member, EPOLLIN.rawValue | EPOLLOUT.rawValue, UInt64(member))
    }

    private func catchUp(_ descriptor: Int32) {
        guard let channel = clients[Int(descriptor)].channel else { return }
        let offset = clients[Int(descriptor)].logOffset
        guard offset != Client.upToDate else { return }
        let wantedCount = channel.flushedCount - offset
        let sent = channel.log.withUnsafeBytes { bench_send(descriptor, $0.baseAddress! + offset, wantedCount) }
        if sent == wantedCount { return finishCatchingUp(descriptor, in: channel) }
        clients[Int(descriptor)].logOffset += max(sent, 0)
    }

    private func finishCatchingUp(_ descriptor: Int32, in channel: Channel) {
        clients[Int(descriptor)].logOffset = Client.upToDate
        channel.laggardCount -= 1
        _ = bench_epoll_modify(poller, descriptor, EPOLLIN.rawValue, UInt64(descriptor))
        channel.trim()
    }

    private func dropLaggards(of channel: Channel) {
        for member in channel.members where clients[Int(member)].logOffset != Client.upToDate { close(member) }
    }

    // MARK: The end of a connection

    private func close(_ descriptor: Int32) {
        if let channel = clients[Int(descriptor)].channel {
            channel.members.removeAll { $0 == descriptor }
            if clients[Int(descriptor)].logOffset != Client.upToDate { channel.laggardCount -= 1 }
            channel.trim()
        }
        clients[Int(descriptor)] = Client()
        relay?.forget(descriptor)
        bench_close(descriptor)
    }

    private func send(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in _ = bench_send(descriptor, bytes.baseAddress!, bytes.count) }
    }
}
