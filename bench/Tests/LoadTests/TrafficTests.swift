import Testing

@testable import Load

@Suite struct TrafficTests {
    @Test(arguments: [(1, 64), (500, 20), (4, 4), (2, 8)])
    func everySourceHasOnePublisher(_ channelCount: Int, _ publisherCount: Int) {
        let traffic = Traffic(channelCount: channelCount, publisherCount: publisherCount)
        var owners: [Int: Set<Int>] = [:]
        for publisher in 0..<publisherCount {
            for turn in 0..<channelCount {
                owners[traffic.source(ofPublisher: publisher, turn: turn), default: []].insert(publisher)
            }
        }
        #expect(traffic.isEven)
        #expect(Set(owners.keys) == Set(0..<traffic.sourceCount))
        #expect(owners.values.allSatisfy { $0.count == 1 })
    }

    @Test func unevenTrafficIsRefused() {
        #expect(!Traffic(channelCount: 3, publisherCount: 2).isEven)
        #expect(!Traffic(channelCount: 2, publisherCount: 3).isEven)
    }
}
