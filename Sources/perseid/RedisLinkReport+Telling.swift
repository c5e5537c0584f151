import ArgumentParser
import Backplane
import Broker
import Logging

/// What a node tells its operator of its links to Redis: by the metrics and by the log. In the uplink's seat.
extension RedisLinkReport {
    /// `nodeID` and `redis` are what the log calls this node, and where its masters are.
    init(metrics: UplinkMetrics, logger: Logger, nodeID: String, redis: String) {
        self.init()
        tellOfLinks(metrics)
        tellOfRequests(metrics)
        tellOfLinks(metrics, logger)
        tellOfMoves(metrics, logger)
        tellOfRival(nodeID, redis, logger)
    }

    private mutating func tellOfLinks(_ metrics: UplinkMetrics) {
        reached = { up, all in
            metrics.mastersUp.set(up)
            metrics.masters.set(all)
        }
        lost = { metrics.linkLosses.add() }
        restoring = { unheard, unread, patienceMilliseconds in
            metrics.channelsUnheard.set(unheard)
            metrics.channelsUnread.set(unread)
            metrics.patienceMilliseconds.set(Int(clamping: patienceMilliseconds))
        }
    }

    private mutating func tellOfRequests(_ metrics: UplinkMetrics) {
        settled = { count, missed in
            metrics.durablePublishes.add(count)
            metrics.durableMisses.add(missed)
        }
        roundTrip = { nanoseconds in
            metrics.roundTrips.add()
            metrics.roundTripNanoseconds.add(Int(nanoseconds))
        }
        waiting = { bulk, bytes in
            metrics.bulkWaiting.set(bulk)
            metrics.redisBytes.set(bytes)
        }
    }

    private mutating func tellOfLinks(_ metrics: UplinkMetrics, _ logger: Logger) {
        changed = { link, master, reason in
            guard let reason else {
                return logger.info("redis is reached", metadata: ["link": "\(link)", "redis": "\(master)"])
            }
            logger.warn(of: RedisComplaint(reason), at: master, link: link)
        }
        moved = { master, place in
            metrics.masterMoves.add()
            logger.notice("the master is elsewhere", metadata: ["redis": "\(master)", "address": "\(place)"])
        }
        setUpAnew = { master in
            logger.notice("those who know where redis is were set up anew", metadata: ["redis": "\(master)"])
        }
        refused = { error in
            let advice = RedisComplaint(error).advice
            logger.error("redis refused", metadata: ["error": "\(error)", "advice": "\(advice)"])
        }
    }

    private mutating func tellOfMoves(_ metrics: UplinkMetrics, _ logger: Logger) {
        moving = { masters, keys in
            if masters == 0, metrics.formerMasters.value > 0 {
                logger.notice("all channels and sessions have moved: redis-former is needed no longer")
            }
            metrics.formerMasters.set(masters)
            metrics.keysToMove.set(keys)
        }
    }

    private mutating func tellOfRival(_ nodeID: String, _ redis: String, _ logger: Logger) {
        rivalled = { isStart in
            let names = ["node": "\(nodeID)", "redis": "\(redis)"] as Logger.Metadata
            logger.critical("another node lives by this name: give each its own node-id", metadata: names)
            if isStart { Serve.exit(withError: ExitCode.failure) }
        }
    }
}

extension Logger {
    /// Says what is wrong with Redis, where, and what to do about it.
    fileprivate func warn(of complaint: RedisComplaint, at master: String, link: String) {
        warning(
            "\(complaint.message)",
            metadata: [
                "redis": "\(master)", "link": "\(link)", "reason": "\(complaint.text)",
                "advice": "\(complaint.advice)",
            ]
        )
    }
}
