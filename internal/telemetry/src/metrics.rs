//! Where measurements go.

use anyhow::Context;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};

/// Everything that was measured, for as long as the process lives.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    // Held because measuring ends when the provider is dropped.
    _provider: SdkMeterProvider,
}

/// Collects what is measured through OpenTelemetry's global meter from now on. Instruments made earlier stay
/// silent, so call this before anything else is started.
///
/// # Errors
/// When the exporter cannot be built.
pub fn start_metrics() -> anyhow::Result<Metrics> {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .without_target_info()
        .build()
        .context("the metrics exporter cannot be built")?;
    let provider = SdkMeterProvider::builder().with_reader(exporter).build();
    opentelemetry::global::set_meter_provider(provider.clone());
    Ok(Metrics {
        registry,
        _provider: provider,
    })
}

impl Metrics {
    /// The content type of [`render`](Self::render).
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

    /// The present values in Prometheus's text format.
    ///
    /// # Errors
    /// When a value cannot be written as text.
    pub fn render(&self) -> anyhow::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_through_the_global_meter_is_rendered() {
        let metrics = start_metrics().unwrap();
        opentelemetry::global::meter("test")
            .u64_counter("taskwire.test.things")
            .build()
            .add(3, &[]);
        let text = metrics.render().unwrap();
        assert!(text.contains("taskwire_test_things_total 3"), "{text}");
    }
}
