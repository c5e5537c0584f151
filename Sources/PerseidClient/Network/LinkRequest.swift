internal import Broker
internal import Text
internal import Wire

/// Writes what a link is opened with.
enum LinkRequest {
    /// Appends the request for a plan. `key` is that of a WebSocket.
    static func append(_ plan: LinkPlan, to address: NodeAddress, key: String, output: inout ByteBuffer) {
        output.append("GET ")
        output.append(utf8: target(of: plan))
        output.append(" HTTP/1.1\r\n")
        output.append(field: "Host", utf8: address.authority)
        if plan.transport == .webSocket {
            output.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
            output.append("Sec-WebSocket-Protocol: perseid\r\n")
            output.append(field: "Sec-WebSocket-Key", utf8: key)
        } else {
            output.append(field: "Accept", accept(plan.transport))
        }
        appendCredentials(plan.token, to: &output)
        // Not in the address, which every proxy may log; and where a browser has it.
        if !plan.cursor.isEmpty { output.append(field: "Last-Event-ID", utf8: plan.cursor) }
        output.appendHeadEnd()
    }

    /// Says who asks.
    static func appendCredentials(_ token: String?, to output: inout ByteBuffer) {
        guard let token else { return }
        output.append(field: "Authorization", utf8: "Bearer \(token)")
    }

    private static func accept(_ transport: Transport) -> StaticString {
        switch transport {
        case .eventStream: "text/event-stream"
        case .jsonStream: "application/x-ndjson"
        case .webSocket, .longPoll: "application/json"
        }
    }

    private static func target(of plan: LinkPlan) -> String {
        var parameters = plan.channels.map { "channel=\(PercentCoding.encode($0.text))" }
        if let session = plan.session { parameters.append("session=\(PercentCoding.encode(session))") }
        if let rate = plan.maxRate { parameters.append("max-rate=\(rate)") }
        if plan.transport == .longPoll, plan.isImmediate { parameters.append("wait=0") }
        return "\(plan.transport.path)?\(parameters.joined(separator: "&"))"
    }
}
