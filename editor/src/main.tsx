import "@xyflow/react/dist/style.css";
import "./styles/index.css";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

const MonitoringPage = lazy(async () => {
  const { MonitoringPage: page } = await import("./monitoring/monitoring-page.tsx");
  return { default: page };
});
/** `/monitoring`, under whatever path the gateway is reached. */
const isMonitoring = /\/monitoring\/?$/.test(location.pathname);

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      {isMonitoring ? (
        <Suspense fallback={null}>
          <MonitoringPage />
        </Suspense>
      ) : (
        <App />
      )}
    </StrictMode>,
  );
}
