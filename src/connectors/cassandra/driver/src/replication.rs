//! Keyspaces that ask for more nodes than the cluster has.

use scylla::cluster::metadata::Strategy;
use scylla::cluster::ClusterState;

/// How many copies of a row nodes of one kind are to keep.
struct Wanted {
    copies: usize,
    nodes: usize,
    up: usize,
}

fn wanted(state: &ClusterState, copies: usize, datacentre: Option<&str>) -> Wanted {
    let is_meant = |name: Option<&str>| datacentre.is_none() || name == datacentre;
    let all = state.get_nodes_info().iter().filter(|node| is_meant(node.datacenter.as_deref()));
    let (mut nodes, mut up) = (0, 0);
    for node in all {
        nodes += 1;
        up += usize::from(node.is_connected());
    }
    Wanted { copies, nodes, up }
}

fn text_of(wanted: &Wanted, keyspace: &str, place: &str, strategy: &str, possible: &str) -> String {
    let Wanted { copies, nodes, up } = wanted;
    format!(
        "keyspace {keyspace} keeps each row on {copies} nodes ({strategy}), and {place} has {nodes} ({up} up); add nodes, or \
         ALTER KEYSPACE {keyspace} WITH replication = {{'class': '{strategy}', {possible}}}"
    )
}

/// What is wrong and what to do; nothing when the nodes suffice, or nobody knows.
pub fn shortage_of(state: &ClusterState, keyspace: &str) -> Option<String> {
    match &state.get_keyspace(keyspace)?.strategy {
        Strategy::SimpleStrategy { replication_factor } => {
            let all = wanted(state, *replication_factor, None);
            let possible = format!("'replication_factor': {}", all.nodes);
            (all.copies > all.nodes).then(|| text_of(&all, keyspace, "the cluster", "SimpleStrategy", &possible))
        }
        Strategy::NetworkTopologyStrategy { datacenter_repfactors } => {
            let mut places: Vec<(&String, Wanted)> =
                datacenter_repfactors.iter().map(|(name, copies)| (name, wanted(state, *copies, Some(name)))).collect();
            places.sort_unstable_by_key(|(name, _)| *name);
            let (name, short) = places.iter().find(|(_, wanted)| wanted.copies > wanted.nodes)?;
            let kept = places.iter().filter(|(_, wanted)| wanted.nodes > 0);
            let possible: Vec<String> =
                kept.map(|(name, wanted)| format!("'{name}': {}", wanted.copies.min(wanted.nodes))).collect();
            let place = format!("data centre {name}");
            Some(text_of(short, keyspace, &place, "NetworkTopologyStrategy", &possible.join(", ")))
        }
        _ => None,
    }
}
