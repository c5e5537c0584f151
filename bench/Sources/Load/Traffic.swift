/// Who publishes where.
///
/// A *source* is one publisher in one channel. Within a source publications are strictly ordered, so a subscriber
/// needs one expected sequence number per source of its channel to notice anything lost, doubled or out of order.
struct Traffic {
    let channelCount: Int
    let publisherCount: Int

    /// With several channels per publisher each channel has one source; otherwise its publishers share it evenly.
    var sourcesPerChannel: Int { max(1, publisherCount / channelCount) }
    var sourceCount: Int { channelCount * sourcesPerChannel }

    /// Channels and publishers must divide evenly, or sources would not be numbered without holes.
    var isEven: Bool {
        channelCount >= publisherCount
            ? channelCount % max(publisherCount, 1) == 0 : publisherCount % channelCount == 0
    }

    func firstSource(ofChannel channel: Int) -> Int { channel * sourcesPerChannel }
    func channel(ofSource source: Int) -> Int { source / sourcesPerChannel }

    /// The source of a publisher's n-th publication: a publisher takes its channels in turn.
    func source(ofPublisher publisher: Int, turn: Int) -> Int {
        guard channelCount >= publisherCount else {
            return firstSource(ofChannel: publisher % channelCount) + publisher / channelCount
        }
        let channelsPerPublisher = channelCount / publisherCount
        return publisher + turn % channelsPerPublisher * publisherCount
    }
}
