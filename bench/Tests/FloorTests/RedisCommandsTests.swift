import Testing

@testable import Floor

@Suite struct RedisCommandsTests {
    @Test func commandsFollowEachOther() {
        var commands = RedisCommands()
        commands.subscribe(to: "ä")
        Array("a\r\nb".utf8).withUnsafeBytes { commands.publish($0, to: "news") }
        let subscribe = "*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\nä\r\n"
        let publish = "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$4\r\na\r\nb\r\n"
        #expect(commands.bytes == Array((subscribe + publish).utf8))
        commands.removeFirst(subscribe.utf8.count)
        #expect(commands.bytes == Array(publish.utf8))
    }

    @Test func anEmptyPayloadIsPublished() {
        var commands = RedisCommands()
        commands.publish(UnsafeRawBufferPointer(start: nil, count: 0), to: "a")
        #expect(commands.bytes == Array("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$0\r\n\r\n".utf8))
    }
}
