internal import Broker
internal import Reactor
internal import TLS

/// What Redis, or the way to it, objects.
public struct RedisFailure: Error, CustomStringConvertible {
    /// In its words.
    public let description: String

    /// What that means.
    public var complaint: RedisComplaint { RedisComplaint(description) }
}

/// A connection to Redis that waits for each answer: for the command line, not for a node.
///
/// Thread: of whoever made it, which it blocks.
final class RedisConversation {
    private let stream: RedisStream
    private let poller: Poller
    private let reader = RedisReader(replyBytesMax: Limits().redisReplyBytesMax)

    /// Time to connect, and to answer.
    private static let patienceMilliseconds: Int32 = 5_000

    /// Bytes read at a time.
    private static let readBytesMax = 65_536

    /// Connects to the first address of a host that takes a connection.
    private init(connectingTo address: RedisAddress) throws(RedisFailure) {
        let socket = try Self.connect(to: address)
        do throws(TLSFault) {
            stream = try RedisStream(socket, address)
        } catch {
            socket.close()
            throw RedisFailure(description: "\(error)")
        }
        do throws(SystemError) {
            poller = try Poller()
            try poller.add(socket.descriptor, token: 0, for: .read)
        } catch {
            socket.close()
            throw RedisFailure(description: "\(error)")
        }
        try agree()
    }

    /// Waits until TLS is agreed on, where it is asked for.
    private func agree() throws(RedisFailure) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytesMax, alignment: 16)
        defer { buffer.deallocate() }
        while !stream.isAgreed {
            try sendUnsent()
            try watch(for: .read)
            guard Self.wait(poller) else { throw RedisFailure(description: "no answer in TLS") }
            switch stream.receive(into: buffer) {
            case .broken(let fault): throw RedisFailure(description: "\(fault)")
            case .plain(.endOfStream): throw RedisFailure(description: "closed by Redis")
            case .plain(.failed(let code)):
                throw RedisFailure(description: "\(SystemError(call: "receive", result: -Int(code)))")
            case .plain(.moved), .plain(.wouldBlock), .nothing: break
            }
        }
        try sendUnsent()
    }

    private func sendUnsent() throws(RedisFailure) {
        try watch(for: .write)
        while stream.hasUnsent {
            if let code = stream.flush() {
                throw RedisFailure(description: "\(SystemError(call: "send", result: -Int(code)))")
            }
            if stream.hasUnsent, !Self.wait(poller) { throw silence }
        }
    }

    private static func connect(to address: RedisAddress) throws(RedisFailure) -> Socket {
        if let path = address.path {
            do throws(SystemError) { return try Socket.connect(path: path) } catch {
                throw RedisFailure(description: "\(error)")
            }
        }
        switch HostLookup.askSystem(address.host, address.port) {
        case .success(let found): return try connect(to: found)
        case .failure(let error): throw RedisFailure(description: "connect: \(error)")
        }
    }

    private static func connect(to endpoints: [Endpoint]) throws(RedisFailure) -> Socket {
        var failure = RedisFailure(description: "connect: it has no address")
        for endpoint in endpoints {
            do throws(SystemError) {
                let socket = try Socket.connect(to: endpoint)
                let poller = try Poller()
                try poller.add(socket.descriptor, token: 0, for: .write)
                let isAnswered = wait(poller)
                let error = socket.connectionError
                if isAnswered, error == nil { return socket }
                socket.close()
                let reason = error.map { "\($0)" } ?? "no connection in time"
                failure = RedisFailure(description: "connect \(endpoint): \(reason)")
            } catch {
                failure = RedisFailure(description: "\(error)")
            }
        }
        throw failure
    }

    /// Connects to a master, wherever it is, and says who we are.
    static func begin(with master: RedisMaster, isClustered: Bool) throws(RedisFailure) -> RedisConversation {
        guard let sentinels = master.sentinels else {
            return try begin(with: master.address, isClustered: isClustered)
        }
        var failure = RedisFailure(description: "no Sentinel is named")
        for place in sentinels.places {
            let known: RedisPlace
            do throws(RedisFailure) {
                known = try find(sentinels, askingAt: master.address.moved(to: place))
            } catch {
                failure = error
                continue
            }
            return try begin(with: master.address.moved(to: known), isClustered: false)
        }
        throw failure
    }

    /// The masters of a cluster that have slots, as the first of its nodes says that answers.
    static func masters(of seeds: RedisClusterSeeds) throws(RedisFailure) -> [RedisMaster] {
        var failure = RedisFailure(description: "no node is named")
        for place in seeds.places {
            do throws(RedisFailure) {
                let node = try RedisConversation(connectingTo: seeds.address.moved(to: place))
                try node.authenticate(seeds.address.user, seeds.address.password)
                let found: Result<[RedisPlace], RedisFailure> = try node.ask(["CLUSTER", "SLOTS"]) { reply in
                    if let error = reply.error { return .failure(RedisFailure(description: error)) }
                    return .success(RedisClusterMap.ranges(reply, from: place).map(\.master))
                }
                let places = Set(try found.get()).sorted { $0.description < $1.description }
                guard !places.isEmpty else { throw RedisFailure(description: "no master of the cluster has slots") }
                return places.map { RedisMaster(seeds.address.moved(to: $0)) }
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func authenticate(_ user: String?, _ password: String?) throws(RedisFailure) {
        guard let password else { return }
        _ = try ask(["AUTH"] + (user.map { [.text($0)] } ?? []) + [.text(password)])
    }

    /// Asks one Sentinel where the master is.
    private static func find(
        _ sentinels: RedisSentinels,
        askingAt address: RedisAddress
    ) throws(RedisFailure) -> RedisPlace {
        let sentinel = try RedisConversation(connectingTo: address)
        try sentinel.authenticate(sentinels.user, sentinels.password)
        let words: [RedisArgument] = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", .text(sentinels.masterName)]
        let found: Result<RedisPlace, RedisFailure> = try sentinel.ask(words) { reply in
            if let error = reply.error { return .failure(RedisFailure(description: error)) }
            guard reply.count == 2, let port = UInt16(reply[1].text) else {
                let text = "a Sentinel does not say where \(sentinels.masterName) is"
                return .failure(RedisFailure(description: text))
            }
            return .success(RedisPlace(host: reply[0].text, port: port))
        }
        return try found.get()
    }

    /// Connects and says who we are.
    private static func begin(
        with address: RedisAddress,
        isClustered: Bool
    ) throws(RedisFailure) -> RedisConversation {
        let redis = try RedisConversation(connectingTo: address)
        let handshake = RedisHandshake(address: address, isClustered: isClustered)
        for step in handshake.steps {
            let objection = try redis.ask(handshake.words(of: step)) { handshake.objection(to: $0, of: step) }
            if let objection { throw RedisFailure(description: objection) }
        }
        return redis
    }

    deinit { stream.close() }

    /// When the certificate that Redis showed ends, in milliseconds since 1970; nothing without TLS.
    var certificateEndMilliseconds: UInt64? { stream.certificateEndMilliseconds }

    /// Sends one command and waits for its answer, a text or a number.
    func ask(_ arguments: [RedisArgument]) throws(RedisFailure) -> String {
        let answer: Result<String, RedisFailure> = try ask(arguments) { reply in
            if let error = reply.error { return .failure(RedisFailure(description: error)) }
            return .success(reply.isInteger ? String(reply.integer) : reply.text)
        }
        return try answer.get()
    }

    /// Sends one command and waits for its answer, a list of texts.
    func list(_ arguments: [RedisArgument]) throws(RedisFailure) -> [String] {
        let answer: Result<[String], RedisFailure> = try ask(arguments) { reply in
            if let error = reply.error { return .failure(RedisFailure(description: error)) }
            return .success((0..<reply.count).map { reply[$0].text })
        }
        return try answer.get()
    }

    private func ask<Answer>(
        _ arguments: [RedisArgument],
        _ read: (RedisReply) -> Answer
    ) throws(RedisFailure) -> Answer {
        var command = RedisCommandBuffer()
        command.append(arguments)
        try send(&command)
        return try receive(read)
    }

    private func send(_ command: inout RedisCommandBuffer) throws(RedisFailure) {
        try watch(for: .write)
        while !command.isEmpty {
            switch command.withOldest({ stream.send($0) }) {
            case .moved(let count): command.remove(count)
            case .wouldBlock: if !Self.wait(poller) { throw silence }
            case .endOfStream: throw RedisFailure(description: "closed by Redis")
            case .failed(let code): throw RedisFailure(description: "\(SystemError(call: "send", result: -Int(code)))")
            }
        }
        try sendUnsent()
    }

    private func receive<Answer>(_ read: (RedisReply) -> Answer) throws(RedisFailure) -> Answer {
        try watch(for: .read)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytesMax, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            switch stream.receive(into: buffer) {
            case .plain(.moved(let count)):
                var answer: Answer?
                let problem = reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { reply in
                    answer = read(reply)
                    return false
                }
                if let problem { throw RedisFailure(description: problem) }
                if let answer { return answer }
            case .plain(.wouldBlock): if !Self.wait(poller) { throw silence }
            case .plain(.endOfStream): throw RedisFailure(description: "closed by Redis")
            case .plain(.failed(let code)):
                throw RedisFailure(description: "\(SystemError(call: "receive", result: -Int(code)))")
            case .nothing: break
            case .broken(let fault): throw RedisFailure(description: "\(fault)")
            }
        }
    }

    private var silence: RedisFailure { RedisFailure(description: "no answer in \(Self.patienceMilliseconds) ms") }

    private func watch(for interest: Readiness) throws(RedisFailure) {
        do throws(SystemError) {
            try poller.modify(stream.descriptor, token: 0, for: interest)
        } catch {
            throw RedisFailure(description: "\(error)")
        }
    }

    /// Waits until something can be moved; says whether it came in time.
    private static func wait(_ poller: borrowing Poller) -> Bool {
        var isReady = false
        poller.wait(milliseconds: patienceMilliseconds) { _, _ in isReady = true }
        return isReady
    }
}
