internal import Broker
internal import Hub
internal import Reactor
internal import Text
internal import Wire

// Whom a connection is for that comes from a proxy. Only what is told by addresses that are trusted counts: anybody can send these
// headers. A proxy of connections says it once, in front of everything else; one of requests in each of them, for its
// connection carries one client after the other.
extension EdgeReactor {
    /// Whether an address is a proxy's whose word is taken.
    func isTrusted(_ address: PeerAddress) -> Bool {
        // An index and no iterator: this is asked for each connection, and for most nodes there are none.
        for index in configuration.trustedProxies.indices where configuration.trustedProxies[index].contains(address) {
            return true
        }
        return false
    }

    /// The address of who is served by a connection now.
    func address(of slot: Slot) -> PeerAddress {
        let connection = connections[live: slot]
        guard connection.pointee.traffic.contains(.isProxied) else { return connection.pointee.peer }
        return forwarded[connections.key(ofLive: slot)] ?? connection.pointee.peer
    }

    // MARK: The PROXY protocol

    /// Reads what a proxy says in front of everything else, and not a byte of what follows: that is the client's, and may be
    /// encrypted.
    func readProxyHeader(_ slot: Slot) -> Socket.Transfer {
        let connection = connections[live: slot]
        let outcome = connection.pointee.link.peekRaw(into: receiveBuffer)
        switch outcome {
        case .moved(let count):
            metrics.bytesReceived.add(takeProxyHeader(UnsafeRawBufferPointer(rebasing: receiveBuffer[..<count]), slot))
        case .wouldBlock: break
        case .endOfStream: close(slot)
        case .failed(let code): fail(slot, code)
        }
        return outcome
    }

    /// Takes what waits of a header, and the rest of one that is begun; returns how many bytes of it are taken.
    private func takeProxyHeader(_ bytes: UnsafeRawBufferPointer, _ slot: Slot) -> Int {
        let connection = connections[live: slot]
        let held = connection.pointee.input?.count ?? 0
        var reading = ProxyHeader.Reading.incomplete
        var takenCount = min(bytes.count, ProxyHeader.byteCountMax)
        if held == 0 {
            reading = ProxyHeader.read(bytes.bindMemory(to: UInt8.self).span)
        } else if let input = connection.pointee.input {
            input.append(UnsafeRawBufferPointer(rebasing: bytes[..<takenCount]))
            input.withBytes {
                reading = ProxyHeader.read(UnsafeRawBufferPointer($0).bindMemory(to: UInt8.self).span)
                return 0
            }
        }
        switch reading {
        case .malformed:
            noteRefusal("no PROXY header, or a malformed one")
            close(slot)
            return 0
        case .incomplete:
            if held == 0 {
                let input = ConnectionInput(hub.held)
                input.append(UnsafeRawBufferPointer(rebasing: bytes[..<takenCount]))
                connection.pointee.input = input
                noteRequestBegun(slot, isNew: true)
            }
        case .complete(let header):
            takenCount = header.byteCount - held
            connection.pointee.input = nil
            take(header, slot)
        }
        if !connection.pointee.isClosed {
            _ = connection.pointee.link.receiveRaw(
                into: UnsafeMutableRawBufferPointer(rebasing: receiveBuffer[..<takenCount])
            )
        }
        return takenCount
    }

    private func take(_ header: ProxyHeader, _ slot: Slot) {
        let connection = connections[live: slot]
        connection.pointee.takeProxyHeader(from: header.source)
        guard let source = header.source, !isTrusted(source) else { return }
        if let reason = reasonToRefuse(source) {
            noteRefusal(reason)
            return close(slot)
        }
        connection.pointee.traffic.remove(.isProxied)
        node.connectionsByAddress.add(source.network)
    }

    // MARK: Forwarded requests

    /// Notes whom a request is for that a proxy passes on: until it is answered its connection is one of that client's. Says why
    /// it has too many, if it has.
    func noteForwarded(_ request: borrowing HTTPRequest, _ slot: Slot) -> HTTPRejection? {
        let connection = connections[live: slot]
        guard connection.pointee.traffic.contains(.isProxied), let client = client(of: request) else { return nil }
        let key = connections.key(ofLive: slot)
        guard forwarded[key] != client else { return nil }
        forgetForwarded(slot)
        guard node.connectionsByAddress.count(of: client.network) < limits.connectionsPerAddressMax else {
            noteRefusal("connections-per-address-max")
            return HTTPRejection(status: 429, field: "connection", reason: "too many connections of this address")
        }
        forwarded[key] = client
        node.connectionsByAddress.add(client.network)
        return nil
    }

    private func client(of request: borrowing HTTPRequest) -> PeerAddress? {
        guard let field = configuration.forwardedField.field, request.head[field] != nil else { return nil }
        var reader = ForwardedFor()
        let isPairs = field == .forwarded
        request.head.forEachValue(of: field, in: request.octets.span) {
            reader.read($0, in: request.octets.span, isPairs: isPairs, isTrusted: isTrusted)
        }
        return reader.client
    }

    /// Its request is answered, or it is closed.
    func forgetForwarded(_ slot: Slot) {
        guard let client = forwarded.removeValue(forKey: connections.key(ofLive: slot)) else { return }
        node.connectionsByAddress.remove(client.network)
    }
}

/// The field in which trusted proxies say whom a request is for. One, and not whichever there is: of the other a proxy
/// passes on what the client made up.
public enum ForwardedField: String, CaseIterable, Sendable {
    /// `X-Forwarded-For`
    case forwardedFor = "x-forwarded-for"
    /// `Forwarded`, RFC 7239
    case forwarded
    /// They say nothing.
    case none

    var field: HTTPField? {
        switch self {
        case .forwardedFor: .xForwardedFor
        case .forwarded: .forwarded
        case .none: nil
        }
    }
}
