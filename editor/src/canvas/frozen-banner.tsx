/** Says that what is seen is a past flow, and leads back to the edited one. */
import { Icon } from "../shell/icons.tsx";
import { useView } from "../stores/view-store.ts";

export function FrozenBanner() {
  const frozen = useView((view) => view.frozen);
  if (frozen === undefined) return null;
  return (
    <div className="frozen-banner" role="status">
      <Icon name="clock" />
      <span>{frozen.title}</span>
      <button type="button" className="button button-small" onClick={() => useView.getState().freeze(undefined)}>
        Back to editing
      </button>
    </div>
  );
}
