/** The monitoring page: what deliberates now, who does it, and what passes between them. */
import "./monitoring.css";
import { useEffect } from "react";
import { IconButton } from "../shell/icon-button.tsx";
import { TokenDialog } from "../shell/token-dialog.tsx";
import { useTheme } from "../shell/use-theme.ts";
import { changeSettings, useSettings } from "../stores/settings-store.ts";
import { Deliberations } from "./deliberations.tsx";
import { followMonitoring } from "./follow-monitoring.ts";
import { Messages } from "./messages.tsx";
import { changeMonitoring, useMonitoring } from "./monitoring-store.ts";
import { Councils, Jobs, Services, Totals } from "./sections.tsx";
import { TestCases } from "./test-cases.tsx";

export function MonitoringPage() {
  useTheme();
  useEffect(followMonitoring, []);
  useEffect(() => {
    document.title = "RayFlow monitoring";
  }, []);
  const overview = useMonitoring((state) => state.overview);
  const problem = useMonitoring((state) => state.problem);
  const wantsToken = useMonitoring((state) => state.wantsToken);
  return (
    <div className="monitor">
      <Bar />
      <main className="monitor-main">
        {problem === undefined ? null : (
          <p className="notice notice-error" role="alert">
            {problem}
          </p>
        )}
        {overview === undefined ? (
          <p className="quiet">Looking …</p>
        ) : (
          <>
            <Totals totals={overview.totals} />
            <TestCases />
            <div className="monitor-columns">
              <div>
                <Deliberations at={overview.at} />
                <Messages />
              </div>
              <div>
                <Services services={overview.services} />
                <Jobs jobs={overview.jobs} at={overview.at} />
                <Councils councils={overview.councils} at={overview.at} />
              </div>
            </div>
          </>
        )}
      </main>
      {wantsToken ? <TokenDialog close={() => changeMonitoring({ wantsToken: false })} /> : null}
    </div>
  );
}

function Bar() {
  const theme = useSettings((settings) => settings.theme);
  return (
    <header className="top-bar">
      <span className="brand">
        <img src="./icon.svg" alt="" width="24" height="24" />
        RayFlow
      </span>
      <h1 className="monitor-title">Monitoring</h1>
      <span className="grow" />
      <a className="button" href="./index.html">
        Editor
      </a>
      <IconButton
        icon={theme === "light" ? "moon" : "sun"}
        label={theme === "light" ? "Dark theme" : "Light theme"}
        onClick={() => changeSettings({ theme: theme === "light" ? "dark" : "light" })}
      />
    </header>
  );
}
