import CReactor
import Reactor
import Testing

@Suite("Poller and sockets")
struct PollerTests {
    @Test("reports what it was asked for, with the token it was given")
    func reports() throws {
        let poller = try Poller()
        let pair = try SocketPair()
        try poller.add(pair.near.descriptor, token: 0xfedc_ba98_7654_3210, for: .read)
        #expect(events(of: poller, milliseconds: 0) == [:])
        #expect(pair.far.send(text: "hello") == .moved(5))
        #expect(events(of: poller, milliseconds: 5_000) == [0xfedc_ba98_7654_3210: .read])
        #expect(events(of: poller, milliseconds: 0).count == 1, "level-triggered: what is unread comes again")
        try poller.modify(pair.near.descriptor, token: 5, for: [.read, .write])
        #expect(events(of: poller, milliseconds: 5_000) == [5: [.read, .write]])
        #expect(pair.near.receiveText().text == "hello")
        #expect(pair.near.receiveText().outcome == .wouldBlock)
        #expect(events(of: poller, milliseconds: 5_000) == [5: .write])
        try poller.modify(pair.near.descriptor, token: 5, for: [])
        #expect(events(of: poller, milliseconds: 0) == [:])
        poller.remove(pair.near.descriptor)
        #expect(pair.far.send(text: "x") == .moved(1))
        #expect(events(of: poller, milliseconds: 0) == [:])
    }

    @Test("refuses descriptors that are none")
    func badDescriptor() throws {
        let poller = try Poller()
        #expect(throws: SystemError.self) { try poller.add(-1, token: 1, for: .read) }
        let pair = try SocketPair()
        #expect(throws: SystemError.self) { try poller.modify(pair.near.descriptor, token: 1, for: .read) }
    }

    @Test("the end of the peer's direction is something to read, and ours goes on")
    func halfClose() throws {
        let poller = try Poller()
        let pair = try SocketPair()
        try poller.add(pair.near.descriptor, token: 1, for: .read)
        _ = pair.far.send(text: "last words")
        pair.far.shutdownWriting()
        var text = ""
        var ended = false
        let isDone = eventually {
            guard events(of: poller, milliseconds: 100) == [1: .read] else { return false }
            let received = pair.near.receiveText()
            text += received.text
            ended = received.outcome == .endOfStream
            return ended
        }
        #expect(isDone)
        #expect(text == "last words")
        #expect(pair.near.send(text: "still here") == .moved(10))
        let isHeard = eventually { pair.far.receiveText().text == "still here" }
        #expect(isHeard)
    }

    @Test("a reset is a failure, and writing into it is an error and no signal")
    func reset() throws {
        let poller = try Poller()
        let pair = try SocketPair()
        try poller.add(pair.near.descriptor, token: 1, for: [])
        pair.far.makeCloseAbortive()
        pair.closeFar()
        let isSeen = eventually { events(of: poller, milliseconds: 100)[1]?.contains(.failed) == true }
        #expect(isSeen)
        var outcomes: [Socket.Transfer] = []
        for _ in 0..<3 { outcomes.append(pair.near.send(text: "x")) }
        for outcome in outcomes {
            guard case .failed(let code) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(code == ECONNRESET || code == EPIPE)
        }
    }

    @Test("a reset in the middle of writing fails, gathered or not", arguments: [false, true])
    func resetWhileWriting(gathered: Bool) throws {
        let pair = try SocketPair()
        pair.near.limitSendBuffer(to: 4_096)
        let bytes = [UInt8](repeating: 120, count: 100_000)
        func send() -> Socket.Transfer {
            bytes.withUnsafeBytes { all in
                guard gathered else { return pair.near.send(all) }
                var parts = [OutputPart(UnsafeRawBufferPointer(rebasing: all[..<10])), OutputPart(all)]
                return parts.withUnsafeMutableBufferPointer { pair.near.send($0) }
            }
        }
        var moved = 0
        var last = Socket.Transfer.moved(0)
        let isFull = eventually {
            last = send()
            guard case .moved(let count) = last else { return true }
            moved += count
            return false
        }
        #expect(isFull)
        #expect(moved > 0)
        // A moment later there may be room again, for what was sent has made its way.
        #expect(last == .wouldBlock)
        pair.far.makeCloseAbortive()
        pair.closeFar()
        let hasFailed = eventually { if case .failed = send() { true } else { false } }
        #expect(hasFailed)
    }

    @Test("a gathering send keeps the order of its parts")
    func gathers() throws {
        let pair = try SocketPair()
        let texts = ["one ", "two ", "three"].map { Array($0.utf8) }
        var parts = texts.map { bytes in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            return OutputPart(UnsafeRawBufferPointer(copy))
        }
        defer { for part in parts { part.start?.deallocate() } }
        #expect(MemoryLayout<OutputPart>.size == MemoryLayout<iovec>.size)
        let outcome = parts.withUnsafeMutableBufferPointer { pair.near.send($0) }
        #expect(outcome == .moved(13))
        let isHeard = eventually { pair.far.receiveText().text == "one two three" }
        #expect(isHeard)
    }

    @Test("an event that is stale because its descriptor was used again in the same batch is known by its generation")
    func staleEvents() throws {
        let poller = try Poller()
        let pairs = try (0..<2).map { _ in try SocketPair() }
        let newcomer = try SocketPair()
        var slab = Slab<Int32>()
        let keys = pairs.map { slab.insert($0.near.descriptor) }
        for (pair, key) in zip(pairs, keys) {
            try poller.add(pair.near.descriptor, token: key.token, for: .read)
            _ = pair.far.send(text: "x")
        }
        let areBothReady = eventually { events(of: poller, milliseconds: 0).count == 2 }
        #expect(areBothReady)
        var order: [SlabKey] = []
        var found: [Bool] = []
        var replacement: SlabKey?
        poller.wait(milliseconds: 0) { token, _ in
            let key = SlabKey(token: token)
            order.append(key)
            found.append(slab.contains(key))
            guard order.count == 1 else { return }
            // The first one closes the second, whose descriptor and slot go to a newcomer at once.
            let other = keys.first { $0 != key }!
            let descriptor = slab.pointer(to: other)!.pointee
            slab.remove(other)
            #expect(dup2(newcomer.near.descriptor, descriptor) == descriptor)
            let newKey = slab.insert(descriptor)
            #expect(newKey.slot == other.slot)
            replacement = newKey
            #expect(throws: Never.self) { try poller.add(descriptor, token: newKey.token, for: .read) }
        }
        #expect(order.count == 2)
        #expect(found == [true, false])
        _ = newcomer.far.send(text: "y")
        let isHeard = eventually { events(of: poller, milliseconds: 100)[replacement!.token] == .read }
        #expect(isHeard, "the newcomer's own events come with its own key")
    }

    @Test("a connect that is refused says so when the socket turns writable")
    func refused() throws {
        let port: UInt16
        do { port = try Listener(host: "127.0.0.1", port: 0).port }
        let poller = try Poller()
        let socket = try Socket.connect(host: "127.0.0.1", port: port)
        defer { socket.close() }
        try poller.add(socket.descriptor, token: 1, for: .write)
        let isDone = eventually { events(of: poller, milliseconds: 100)[1] != nil }
        #expect(isDone)
        #expect(socket.connectionError?.code == ECONNREFUSED)
    }

    @Test("an error names its call and its number")
    func systemError() {
        let error = SystemError(call: "bind", result: -98)
        #expect(error.code == 98)
        #expect(error.description == "bind: Address already in use (98)")
        #expect(error == SystemError(call: "bind", result: -98))
    }
}
