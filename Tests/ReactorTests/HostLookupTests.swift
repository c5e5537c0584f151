import Foundation
import Testing

@testable import Reactor

@Suite("Host lookup")
struct HostLookupTests {
    @Test(
        "a number is an address at once, and in the words of a log",
        arguments: [
            ("127.0.0.1", "127.0.0.1:6379"), ("::1", "[0:0:0:0:0:0:0:1]:6379"), ("::ffff:1.2.3.4", "1.2.3.4:6379"),
        ]
    )
    func numbers(host: String, text: String) throws {
        #expect(try #require(HostLookup.endpoint(number: host, port: 6_379)).description == text)
    }

    @Test("a name is no number, and nor is nonsense", arguments: ["localhost", "", "1.2.3.4.5", "a b", "[::1]", "::g"])
    func names(host: String) {
        #expect(HostLookup.endpoint(number: host, port: 1) == nil)
    }

    @Test("one question at a time; its answer is taken once, and then the next may be asked")
    func questions() {
        let gate = DispatchSemaphore(value: 0)
        let lookup = HostLookup { host, _ in
            gate.wait()
            return .failure(HostLookupError(description: host))
        }
        #expect(lookup.take() == nil)
        lookup.begin(host: "a", port: 1)
        lookup.begin(host: "b", port: 1)
        #expect(lookup.take() == nil, "nobody waits for it")
        gate.signal()
        #expect(answer(of: lookup) == "a")
        #expect(lookup.take() == nil)
        lookup.begin(host: "c", port: 1)
        gate.signal()
        #expect(answer(of: lookup) == "c")
    }

    @Test("this host is found by name, and can be connected to")
    func connects() throws {
        var listener = try Listener(host: "127.0.0.1", port: 0)
        let found = try HostLookup.askSystem("localhost", listener.port).get()
        let endpoint = try #require(found.first { $0.description.hasPrefix("127.0.0.1:") })
        let socket = try Socket.connect(to: endpoint)
        defer { socket.close() }
        let end = Clock.monotonicNanoseconds + 10_000_000_000
        var isAccepted = false
        while !isAccepted, Clock.monotonicNanoseconds < end {
            if case .accepted(let other, _) = listener.accept() {
                isAccepted = true
                other.close()
            }
        }
        #expect(isAccepted)
    }

    private func answer(of lookup: HostLookup) -> String? {
        let end = Clock.monotonicNanoseconds + 10_000_000_000
        while Clock.monotonicNanoseconds < end {
            switch lookup.take() {
            case .failure(let error): return error.description
            case .success: return nil
            case nil: continue
            }
        }
        return nil
    }
}
