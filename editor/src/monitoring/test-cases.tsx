/** Starts one of the test cases and shows what comes of it. */
import { useState } from "react";
import { look, monitoring } from "./follow-monitoring.ts";
import { changeMonitoring, useMonitoring } from "./monitoring-store.ts";

export function TestCases() {
  const testCases = useMonitoring((state) => state.testCases);
  const [name, setName] = useState("basic");
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const start = async () => {
    setBusy(true);
    try {
      const { plan_id, deliberations } = await monitoring.execute(name);
      setSaid(`Plan ${plan_id}: ${deliberations.length} task${deliberations.length === 1 ? "" : "s"}`);
      changeMonitoring({ chosen: undefined });
      await look();
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="monitor-test-cases">
      <label>
        <span className="visually-hidden">Test case</span>
        <select className="field" value={name} onChange={(event) => setName(event.target.value)}>
          {testCases.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}: {one.description}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        className="button button-primary"
        disabled={isBusy || testCases.length === 0}
        onClick={() => void start()}
      >
        Run test case
      </button>
      <span role="status" className="quiet">
        {said}
      </span>
    </div>
  );
}
