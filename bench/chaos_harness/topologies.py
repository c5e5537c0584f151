"""The topologies of Redis, by what `--topology` calls them."""

from .cluster_topology import ClusterTopology
from .sentinel_topology import SentinelTopology
from .server_topology import ServerTopology
from .shards_topology import ShardsTopology

TOPOLOGIES = {
    "server": ServerTopology,
    "sentinel": SentinelTopology,
    "cluster": ClusterTopology,
    "shards": ShardsTopology,
}
