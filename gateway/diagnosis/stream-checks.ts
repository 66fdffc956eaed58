/** RayFlow's streams and buckets: whether they are there, as they were set up, and have room. */
import { STREAMS, type TopologyReport } from "../../nats/index.ts";
import { bytesText, type Check, percent, spanText } from "./check.ts";

const FILLING = 0.8;
const FULL = 0.98;
const FIX = "put them right: rayflow doctor --fix";

export function checkStreams({ missing, drifts, infos, settings }: TopologyReport, nowMs: number): Check[] {
  const name = "streams";
  // The log is made last: without it, nobody has set anything up yet.
  if (!infos.has(STREAMS.log)) {
    const advice = "start an orchestrator, it sets them up: rayflow orchestrator";
    return [{ name, level: "fail", message: `missing: ${missing.join(", ")}`, advice }];
  }
  const checks: Check[] = [];
  if (missing.length > 0) {
    checks.push({ name, level: "fail", message: `missing: ${missing.join(", ")}`, advice: FIX });
  }
  for (const { stream, field, is, should } of drifts) {
    const message = `${field} is ${JSON.stringify(is) ?? "not set"}, it was set up as ${JSON.stringify(should)}`;
    checks.push({ name: stream, level: "fail", message, advice: FIX });
  }
  for (const stream of Object.values(STREAMS)) {
    const info = infos.get(stream);
    if (info === undefined) continue;
    const { messages, bytes } = info.state;
    const { max_bytes } = info.config;
    const size = `${messages} messages, ${bytesText(bytes)}`;
    if (max_bytes > 0 && bytes > max_bytes * FILLING) {
      const message = `${size}: ${percent(bytes, max_bytes)} of its ${bytesText(max_bytes)}`;
      if (stream === STREAMS.history) {
        const oldest = (nowMs - Date.parse(String(info.state.first_ts))) / 1000;
        const advice =
          `the oldest of its runs is ${spanText(oldest)} old; from now on the oldest go before they are ` +
          `${spanText(settings.historyMaxAgeMs / 1000)} old: rayflow orchestrator --history-bytes`;
        checks.push({ name: stream, level: "warn", message, advice });
      } else {
        const advice =
          "at its limit it refuses messages, and runs stand still: raise max_bytes, or take the limit away";
        checks.push({ name: stream, level: bytes > max_bytes * FULL ? "fail" : "warn", message, advice });
      }
    } else checks.push({ name: stream, level: "ok", message: size });
  }
  return checks;
}
