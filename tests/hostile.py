"""Settings of CodeCarbon that would change a figure, open a connection or end the program, if it heard of them."""

SETTINGS = {
    "allow_multiple_runs": "False",
    "api_call_interval": "1",
    "api_endpoint": "http://192.0.2.1:9",
    "api_key": "stolen",
    "cloud_provider": "gcp",
    "cloud_region": "us-central1",
    "co2_signal_api_token": "token",
    "country_2letter_iso_code": "DE",
    "country_iso_code": "POL",
    "electricitymaps_api_token": "token",
    "emissions_endpoint": "http://192.0.2.1:9",
    "experiment_id": "other",
    "experiment_name": "other",
    "force_carbon_intensity_g_co2e_kwh": "900",
    "force_cpu_power": "1000",
    "force_mode_cpu_load": "True",
    "force_ram_power": "500",
    "gpu_ids": "0",
    "log_level": "debug",
    "logger_preamble": "other",
    "logging_logger": "other",
    "measure_power_secs": "0.001",
    "metadata": "/nowhere/metadata.json",
    "on_csv_write": "update",
    "output_dir": "/nowhere",
    "output_file": "other.csv",
    "output_handlers": "other",
    "output_methods": "csv,api,prometheus,logfire,boamps",
    "project_name": "other",
    "prometheus_url": "192.0.2.1:9",
    "pue": "3",
    "rapl_include_dram": "True",
    "rapl_prefer_psys": "True",
    "region": "quebec",
    "save_to_api": "True",
    "save_to_file": "True",
    "save_to_logfire": "True",
    "save_to_logger": "True",
    "save_to_prometheus": "True",
    "tracking_mode": "process",
    "wue": "5",
}


def write(folder):
    """Write them all where CodeCarbon reads settings."""
    lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
    (folder / ".codecarbon.config").write_text("\n".join(["[codecarbon]", *lines]))


def variables():
    """Return them all as the variables that CodeCarbon reads."""
    return {f"CODECARBON_{name.upper()}": value for name, value in SETTINGS.items()}
