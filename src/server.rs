//! What is known of a server as such.

/// The server of a run, or of a snapshot.
#[derive(Debug, Clone)]
pub struct Server {
    /// The version of the server, such as `1.7.12`.
    pub version: String,
    /// The highest Admin API version that both sides speak.
    pub api_version: u32,
    /// The name of the cluster; `None` when it could not be read.
    pub cluster_name: Option<String>,
}

impl Server {
    /// `PATCH /deployments/{id}`: a connection changes, and other code is taken over, without a new
    /// revision. Before Admin API 3 (Restate 1.6) there is a PUT, which discovers the endpoint again.
    pub fn patches_deployments(&self) -> bool {
        self.api_version >= 3
    }

    /// `breaking` in a registration. Before Admin API 3 (Restate 1.6) it is ignored silently, and only
    /// `force` lets through what breaks callers.
    pub fn knows_breaking(&self) -> bool {
        self.api_version >= 3
    }

    /// `metadata` of a registration, and with it the mark of a stack. Before Admin API 3 (Restate 1.6)
    /// it is ignored silently.
    pub fn keeps_metadata(&self) -> bool {
        self.api_version >= 3
    }

    /// `GET /kafka-clusters`, those of the server's own configuration included. Since Admin API 4
    /// (Restate 1.7).
    pub fn lists_kafka_clusters(&self) -> bool {
        self.api_version >= 4
    }
}
