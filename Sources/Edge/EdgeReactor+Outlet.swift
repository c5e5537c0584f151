internal import Backplane
internal import Broker
internal import Crypto
internal import Hub
internal import Reactor
internal import TLS
internal import Wire

// What the hub has no hands for: connections, the clock, the uplink.
extension EdgeReactor: HubOutlet {
    // MARK: Clients

    func client(at slot: ClientSlot) -> UnsafeMutablePointer<Client> {
        Self.client(of: connections[live: Slot(slot)])
    }

    func client(_ id: ClientID) -> UnsafeMutablePointer<Client>? {
        connections.pointer(to: SlabKey(id)).map(Self.client)
    }

    /// A connection does not move in its slab, and so neither does its client.
    private static func client(of connection: UnsafeMutablePointer<Connection>) -> UnsafeMutablePointer<Client> {
        withUnsafeMutablePointer(to: &connection.pointee.client) { $0 }
    }

    func id(of slot: ClientSlot) -> ClientID { connections.key(ofLive: Slot(slot)).client }

    // MARK: Time

    var nowMilliseconds: UInt64 { reactor.now / 1_000_000 }
    var clockNanoseconds: UInt64 { Clock.monotonicNanoseconds }
    var wallMilliseconds: UInt64 { Clock.realtimeMilliseconds }

    // MARK: Bytes

    func send(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot) -> Sent {
        told(connections[live: Slot(slot)].pointee.link.send(bytes), slot)
    }

    func send(_ parts: [UnsafeRawBufferPointer], to slot: ClientSlot) -> Sent {
        outputParts.removeAll(keepingCapacity: true)
        for part in parts { outputParts.append(OutputPart(part)) }
        let link = connections[live: Slot(slot)].pointee.link
        return told(outputParts.withUnsafeMutableBufferPointer { link.send($0) }, slot)
    }

    var stagedCountMax: Int { SendBatch.capacity }

    func stage(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot, of member: SubscriptionSlot) {
        let token = SendBatch.Token(number: member.number)
        if connections[live: Slot(slot)].pointee.link.isSealedHere {
            return stageEncrypted(bytes, to: Slot(slot), of: member)
        }
        connections[live: Slot(slot)].pointee.link.add(bytes, to: &sends, token: token)
    }

    func sendStaged(_ outcome: (_ member: SubscriptionSlot, _ byteCount: Int, Sent) -> Void) {
        if !encryptedSends.isEmpty { return sendStagedEncrypted(outcome) }
        sends.submit { token, byteCount, transfer in
            let member = SubscriptionSlot(number: token.number)
            outcome(member, byteCount, told(transfer, hub.reader(member)))
        }
    }

    // MARK: Bytes that are encrypted

    /// What is encrypted for a member of a feed.
    struct EncryptedSend {
        let member: SubscriptionSlot
        let slot: Slot
        /// Bytes that it is to be sent, and how many of them are encrypted.
        let wantedCount: Int
        let byteCount: Int
        /// Where that lies in the records.
        let range: Range<Int>
    }

    /// Encrypts at once, behind what is encrypted for others: all of it is sent together, and must not move before.
    private func stageEncrypted(_ bytes: UnsafeRawBufferPointer, to slot: Slot, of member: SubscriptionSlot) {
        let sealed = connections[live: slot].pointee.link.seal(bytes) ?? (0..<0, 0)
        encryptedSends.append(
            EncryptedSend(
                member: member,
                slot: slot,
                wantedCount: bytes.count,
                byteCount: sealed.byteCount,
                range: sealed.range
            )
        )
    }

    private func sendStagedEncrypted(_ outcome: (_ member: SubscriptionSlot, _ byteCount: Int, Sent) -> Void) {
        guard let records = security?.records else { return }
        let plainCount = sends.count
        for send in encryptedSends where send.byteCount > 0 {
            let token = SendBatch.Token(number: send.member.number)
            connections[live: send.slot].pointee.link.add(records.sealed(in: send.range), to: &sends, token: token)
        }
        var encrypted: [EncryptedSend] = []
        swap(&encrypted, &encryptedSends)
        var (left, next) = (plainCount, encrypted.startIndex)
        sends.submit { token, byteCount, transfer in
            guard left == 0 else {
                left -= 1
                let member = SubscriptionSlot(number: token.number)
                return outcome(member, byteCount, told(transfer, hub.reader(member)))
            }
            // Those that nothing could be encrypted for have no send.
            while encrypted[next].byteCount == 0 { next += 1 }
            let send = encrypted[next]
            next += 1
            outcome(send.member, send.wantedCount, told(transfer, send))
        }
        for send in encrypted where send.byteCount == 0 { outcome(send.member, send.wantedCount, .full) }
        encrypted.removeAll(keepingCapacity: true)
        swap(&encrypted, &encryptedSends)
        records.truncate(to: 0)
    }

    /// All that was encrypted counts as sent; what the socket did not take waits with the connection.
    private func told(_ transfer: Socket.Transfer, _ send: EncryptedSend) -> Sent {
        var sentCount = 0
        switch transfer {
        case .moved(let count): sentCount = count
        case .wouldBlock, .endOfStream: break
        case .failed: return told(transfer, send.slot.client)
        }
        connections[live: send.slot].pointee.link.keepSealed(in: send.range, sent: sentCount)
        return told(.moved(send.byteCount), send.slot.client)
    }

    /// Notes what was sent, and ends a client whose connection broke.
    func told(_ transfer: Socket.Transfer, _ slot: ClientSlot) -> Sent {
        switch transfer {
        case .moved(let count):
            let connection = connections[live: Slot(slot)]
            connection.pointee.lastSentTick = reactor.currentTick
            connection.pointee.sentBytes &+= UInt32(truncatingIfNeeded: count)
            metrics.bytesSent.add(count)
            return connection.pointee.link.hasUnsent ? .filled(count) : .moved(count)
        case .wouldBlock, .endOfStream: return .full
        case .failed(let code):
            fail(Slot(slot), code)
            return .gone
        }
    }

    func isAcknowledged(_ slot: ClientSlot) -> Bool { connections[live: Slot(slot)].pointee.link.isAcknowledged }

    func didBlock(_ client: ClientSlot) {
        let slot = Slot(client)
        watch(slot)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.stallMilliseconds / Stall.looksPerLimit))
    }

    func didUnblock(_ client: ClientSlot) {
        let slot = Slot(client)
        let connection = connections[live: slot]
        stalls[slot] = nil
        watch(slot)
        if connection.pointee.lifeCycle >= .closing { return shut(slot) }
        if connection.pointee.input != nil || connection.pointee.traffic.contains(.isEnded) { goOn(slot) }
    }

    func didSendOutbox(_ slot: ClientSlot) {
        if connections[live: Slot(slot)].pointee.input != nil { goOn(Slot(slot)) }
    }

    // MARK: Ends

    func closeOverfull(_ slot: ClientSlot, heldBytes: Int) {
        debug(Slot(slot), "closed: too much waits for it", ["bytes": "\(heldBytes)"])
        close(Slot(slot))
    }

    func willSayBye(_ slot: ClientSlot, _ code: ByeCode) {
        debug(Slot(slot), "sent away", ["code": "\(code.rawValue)", "reason": "\(code.reason)"])
        connections[live: Slot(slot)].pointee.traffic.insert(.sentClose)
        noteFarewell(Slot(slot), code)
    }

    func closeWhenSent(_ slot: ClientSlot) { closeWhenSent(Slot(slot)) }

    func drawReconnectMilliseconds() -> UInt64 { UInt64.random(in: reconnectMilliseconds, using: &spread) }

    // MARK: Requests

    func didOpenChannel(_ slot: ClientSlot) { countChannelChange(Slot(slot)) }

    func refuse(_ slot: ClientSlot, _ channel: ChannelName, commandID: [UInt8]?, code: UInt16, _ message: String) {
        // There is no message to say it with.
        if bayeuxSockets[connections.key(ofLive: Slot(slot))] != nil {
            return hub.sayBye(
                slot,
                code == 403 ? .forbidden : .unavailable,
                afterMilliseconds: drawReconnectMilliseconds()
            )
        }
        sendError(Slot(slot), id: commandID, channel: channel, code: code, message)
    }

    // MARK: The backplane

    func watch(_ channel: ChannelName) { uplink.post(.watch(channel, reactor: number)) }

    func unwatch(_ channel: ChannelName) { uplink.post(.unwatch(channel, reactor: number)) }

    func recover(_ channel: ChannelName, since position: Position) {
        uplink.post(.recover(channel, since: position, reactor: number, isKeyed: isKeyed(channel)))
    }

    func count(_ channel: ChannelName, subscribers: Int) {
        uplink.post(.count(channel, reactor: number, subscribers: subscribers))
    }

    func save(_ session: SessionID, of slot: ClientSlot, _ changes: [SessionPosition]) {
        uplink.post(.saveSession(session, holder(Slot(slot)), changes))
    }

    func release(_ session: SessionID, of slot: ClientSlot) {
        uplink.post(.releaseSession(session, holder(Slot(slot))))
    }

    func enter(_ channel: ChannelName, _ slot: ClientSlot, transport: String) {
        let session = client(at: slot).pointee.session?.id
        let (member, details) = (memberID(Slot(slot)), memberDetails(of: Slot(slot)))
        uplink.post(
            .enter(channel, member, transport: transport, details: details, holder(Slot(slot)), session)
        )
    }

    func leave(_ channel: ChannelName, _ slot: ClientSlot, _ departure: Departure) {
        uplink.post(.leave(channel, memberID(Slot(slot)), holder(Slot(slot)), departure))
    }

    func holder(_ slot: Slot) -> SessionHolder {
        SessionHolder(reactor: number, connection: connections.key(ofLive: slot).token)
    }

    /// Tells nothing of the token: the id of a session goes through a hash.
    private func memberID(_ slot: Slot) -> MemberID {
        let name: String
        if let link = connections[live: slot].pointee.client.session {
            name = "session \(link.id)"
        } else {
            name = "connection \(memberSeed) \(number) \(connections.key(ofLive: slot).token)"
        }
        let digest = SHA256.hash(data: Array(name.utf8))
        return MemberID(digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    // MARK: Rules

    func policy(of channel: ChannelName) -> (policy: SlowReaderPolicy, windowBytesMax: Int) {
        configuration.policy(of: channel)
    }

    func compression(of channel: ChannelName) -> Compression { access.rules.compression(of: channel) }

    func isKeyed(_ channel: ChannelName) -> Bool { access.rules.isKeyed(channel) }

    func pace(of channel: ChannelName) -> PaceRule { access.rules.pace(of: channel) }

    func hasPresence(_ channel: ChannelName) -> Bool { configuration.hasPresence(channel) }
}
