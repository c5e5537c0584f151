import Broker
import Reactor

/// A request that is answered when something was published, or after a while with nothing. (See Edge/Poll.swift; here it is
/// for one channel, and its answer is some frames and a `bye` 200.)
final class SimulatedPoll {
    let connection: SimulatedConnection
    let topic: SimulatedTopic
    let token: SimulatedToken?
    let deadlineTick: Tick
    var answer: [(message: Message, padding: Int)] = []
    var isDue = false

    init(_ connection: SimulatedConnection, _ topic: SimulatedTopic, token: SimulatedToken?, deadlineTick: Tick) {
        self.connection = connection
        self.topic = topic
        self.token = token
        self.deadlineTick = deadlineTick
    }
}

extension SimulatedEdge {
    func beginPoll(
        _ connection: SimulatedConnection,
        _ channel: (name: ChannelName, since: Position?),
        token: SimulatedToken?
    ) {
        let deadline = node.tick(afterMilliseconds: limits.pollMilliseconds)
        connection.poll = SimulatedPoll(connection, topic(for: channel.name), token: token, deadlineTick: deadline)
        join(connection, [channel], isCommand: true)
    }

    /// What the client missed is known: it is told so, or held until there is something.
    func begin(_ poll: SimulatedPoll, _ join: SimulatedJoin) {
        let topic = poll.topic
        poll.answer = [(.subscribed(channel: topic.number, join.position, isRecovered: join.isRecovered), 0)]
        for publication in join.replay { add(publication, to: poll) }
        if poll.answer.count > 1 || join.isRecovered == false { return answer(poll) }
        topic.polls.append(poll)
    }

    func add(_ publication: Publication, to poll: SimulatedPoll) {
        poll.answer.append((message(of: publication, in: poll.topic), publication.payload.paddingWords))
        poll.isDue = true
    }

    func answerPolls() {
        for topic in topicsInOrder {
            for poll in topic.polls where poll.isDue || poll.deadlineTick.isReached(by: node.currentTick) {
                answer(poll)
            }
        }
    }

    private func answer(_ poll: SimulatedPoll) {
        release(poll)
        releaseSession(poll.connection)
        write(poll.connection, .welcome(token: poll.token?.number ?? 0))
        for (message, padding) in poll.answer { write(poll.connection, message, padding: padding) }
        sayBye(poll.connection, 200)
    }

    /// Another request of the same session took its place.
    func displace(_ poll: SimulatedPoll) {
        release(poll)
        sayBye(poll.connection, 409)
    }

    func release(_ poll: SimulatedPoll) {
        poll.connection.poll = nil
        poll.topic.polls.removeAll { $0 === poll }
        releaseIfUnused(poll.topic)
    }
}
