// The default method of isojoule.normalization, as own.py and improved.py have it: references in, one system's energy on
// the target out, with its interval. tests/browser compares every answer with the program's.
const Normalization = (() => {
  const zip = (...lists) => lists[0].map((_, i) => lists.map((list) => list[i]));
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  const mean = (list) => sum(list) / list.length;
  const rms = (list) => Math.sqrt(mean(list.map((x) => x * x)));
  const dot = (a, b) => sum(a.map((x, i) => x * b[i]));
  const without = (list, place) => list.filter((_, i) => i !== place);
  const deviation = (list) => { const m = mean(list); return Math.sqrt(mean(list.map((x) => (x - m) ** 2))); };
  const median = (list) => quantile(list, 0.5);
  const smallest = (list) => list.indexOf(Math.min(...list));
  const largest = (list) => list.indexOf(Math.max(...list));

  function quantile(list, share) {
    const sorted = [...list].sort((a, b) => a - b);
    const place = share * (sorted.length - 1), low = Math.floor(place), high = Math.ceil(place);
    return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
  }

  // Gauss and Jordan with pivots; matrices here have as many rows as there are references, or fewer
  function solved(matrix, right) {
    const size = matrix.length, rows = matrix.map((row, i) => [...row, ...right[i]]);
    for (let k = 0; k < size; k++) {
      const pivot = k + largest(rows.slice(k).map((row) => Math.abs(row[k])));
      [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
      rows[k] = rows[k].map((x) => x / rows[k][k]);
      for (let i = 0; i < size; i++) {
        if (i !== k && rows[i][k] !== 0) {
          const factor = rows[i][k];
          rows[i] = rows[i].map((x, j) => x - factor * rows[k][j]);
        }
      }
    }
    return rows.map((row) => row.slice(size));
  }
  const identity = (size) => Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => +(i === j)));

  // a set of references is {rows: [[energy, ...columns]], kwh: [on the target]}; all predictors take systems as rows
  function meanRatio({ rows, kwh }, systems) {
    const ratio = Math.exp(mean(rows.map((row, i) => Math.log(kwh[i] / row[0]))));
    return systems.map((row) => ratio * row[0]);
  }

  function line({ rows, kwh }, systems, floor) {
    const source = rows.map((row) => row[0]);
    const low = smallest(source), high = largest(source);
    const slope = (kwh[high] - kwh[low]) / (source[high] - source[low]);
    const least = Math.min(...rows.map((row, i) => kwh[i] / row[0]));
    return systems.map((row) => Math.max(kwh[low] + slope * (row[0] - source[low]), floor * least * row[0]));
  }

  function ridge({ rows, kwh }, systems, { ridge: weight, floor }) {
    const inverse = rows.map((row, i) => row[0] / kwh[i]);
    const ratio = sum(inverse) / sum(inverse.map((x) => x * x));
    const relative = rows.map((row, i) => [1, ...row].map((x) => x / kwh[i]));
    const scale = relative[0].map((_, j) => rms(relative.map((row) => row[j])));
    const design = relative.map((row) => row.map((x, j) => x / scale[j]));
    const missing = inverse.map((x) => 1 - ratio * x);
    const gram = scale.map((_, i) => scale.map((_, j) =>
      dot(design.map((row) => row[i]), design.map((row) => row[j])) + (i === j ? weight * rows.length : 0)));
    const coefficients = solved(gram, scale.map((_, i) => [dot(design.map((row) => row[i]), missing)])).map(([x]) => x);
    return systems.map((row) => {
      const byRatio = ratio * row[0];
      return Math.max(byRatio + dot([1, ...row].map((x, j) => x / scale[j]), coefficients), floor * byRatio);
    });
  }

  function features(known, asked) {
    const columns = (row) => {
      const [energy, ...others] = row.map(Math.log);
      if (others.length !== 3) return [energy, ...others.map((x) => x - energy)];
      const [duration, flops, params] = others;
      return [energy, energy - duration, flops - energy, flops - params];
    };
    const all = [...known, ...asked].map(columns);
    all[0].forEach((_, j) => {
      const values = all.slice(0, known.length).map((row) => row[j]);
      const low = quantile(values, 0.25), high = quantile(values, 0.75), fence = 1.5 * (high - low);
      all.forEach((row) => { row[j] = Math.min(Math.max(row[j], low - fence), high + fence); });
      const clipped = all.slice(0, known.length).map((row) => row[j]);
      const center = mean(clipped), spread = deviation(clipped);
      all.forEach((row) => { row[j] = spread > 1e-9 ? (row[j] - center) / spread : 0; });
    });
    return all;
  }

  // predictions in kWh, and log errors of the references when each is left out
  function corrected(set, systems, constants) {
    const { rows, kwh } = set, count = rows.length;
    const simple = [meanRatio, (s, x) => line(s, x, constants.floor), (s, x) => ridge(s, x, constants)];
    const full = simple.map((method) => method(set, [...rows, ...systems]).map(Math.log));
    const leftOut = simple.map((method) => rows.map((_, i) =>
      method({ rows: without(rows, i), kwh: without(kwh, i) }, rows).map(Math.log)));
    const described = features(rows, systems);
    const truth = kwh.map(Math.log);
    const inner = rows.map((row, i) => [row[0], i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(1, -1).map(([, i]) => i);
    const kernels = constants.kernels.map(([length, amplitude]) => described.map((a) => described.slice(0, count).map((b) => {
      const distance = mean(a.map((x, j) => (x - b[j]) ** 2));
      return 1 + mean(a.map((x, j) => x * b[j])) + amplitude * Math.exp(-distance / (2 * length ** 2));
    })));
    const inverses = kernels.map((kernel) => constants.noises.map((noise) =>
      solved(kernel.slice(0, count).map((row, i) => row.map((x, j) => x + (i === j ? noise : 0))), identity(count))));
    const choices = [];
    for (const { shares, prior } of constants.anchors) {
      const mixed = (parts) => sum(shares.map((share, i) => share * parts[i]));
      const level = full[0].map((_, s) => mixed(full.map((values) => values[s])));
      const off = rows.map((_, i) => truth.map((value, j) => value - mixed(leftOut.map((values) => values[i][j]))));
      const missing = truth.map((value, j) => value - level[j]);
      const add = (errors, logs) => {
        const spread = Math.sqrt(mean(inner.map((i) => errors[i] ** 2)) + 0.02 ** 2);
        choices.push({ errors, logs, score: Math.log(prior) - 0.5 * inner.length * Math.log(spread) });
      };
      add(off.map((row, i) => row[i]), level.slice(count));
      kernels.forEach((kernel, h) => inverses[h].forEach((inverse) => {
        const weights = inverse.map((row) => dot(row, missing));
        add(inverse.map((row, i) => dot(row, off[i]) / row[i]),
          level.slice(count).map((value, s) => value + dot(kernel[count + s], weights)));
      }));
    }
    const best = Math.max(...choices.map(({ score }) => score));
    const weights = choices.map(({ score }) => Math.exp(score - best)), total = sum(weights);
    const average = (of, place) => sum(choices.map((choice, i) => weights[i] * choice[of][place])) / total;
    return {
      kwh: systems.map((_, s) => Math.exp(average("logs", s))),
      errors: inner.map((i) => average("errors", i)),
    };
  }

  const predicted = (set, systems, constants) =>
    set.rows.length < 4 ? line(set, systems, constants.floor) : corrected(set, systems, constants).kwh;
  const leftOutErrors = (set, constants) => corrected(set, [], constants).errors;
  const spreadOf = (set, constants) =>
    set.rows.length < 4 ? 1 : Math.hypot(rms(leftOutErrors(set, constants)), constants.luck);

  function halfWidth(errors, constants) {
    const count = errors.length, rank = Math.ceil((count + 1) * constants.coverage);
    if (rank <= count) return [errors.map(Math.abs).sort((a, b) => a - b)[rank - 1], "conformal"];
    const spread = Math.sqrt(mean(errors.map((x) => x * x)) * (1 + 1 / count));
    return [constants.student[count - 1] * spread, "Student's t"];
  }
  const widest = (found) => found.reduce((a, b) => (b[0] > a[0] || (b[0] === a[0] && b[1] > a[1]) ? b : a));

  // a system of a GPU of the study by column; null where the study does not know it
  const COLUMNS = ["energy_kwh", "duration_s", "flops", "params"];
  function onGpu(study, phase, gpu) {
    const systems = new Map(Object.entries(study.phases[phase]?.[gpu]?.systems ?? {}));
    return new Map([...systems].map(([name, [energy_kwh, duration_s]]) => {
      const [flops, params] = study.described[name];
      return [name, { energy_kwh, duration_s, flops, params }];
    }));
  }
  const positive = (value) => Number.isFinite(value) && value > 0;
  const complete = (systems, column) => systems.every((system) => positive(system[column]));
  const rowsOf = (systems, columns) => systems.map((system) => columns.map((column) => system[column]));
  const distinct = (rows) => (new Set(rows.map((row) => row[0])).size === 1 ? 1 : new Set(rows.map(String)).size);

  function interval(study, phase, target, set, names, columns) {
    const constants = study.constants, found = [], off = [];
    const own = spreadOf(set, constants), there = onGpu(study, phase, target);
    for (const gpu of Object.keys(study.phases[phase]).filter((name) => name !== target)) {
      const here = onGpu(study, phase, gpu);
      const both = [...here.keys()].filter((name) => there.has(name));
      if (!names.every((name) => both.includes(name)) || both.length === names.length) continue;
      const suited = columns.filter((column) => complete(both.map((name) => here.get(name)), column));
      if (String(suited) !== String(columns)) continue;
      const known = { rows: rowsOf(names.map((name) => here.get(name)), suited), kwh: names.map((name) => there.get(name).energy_kwh) };
      if (distinct(known.rows) < 2) continue;
      const others = both.filter((name) => !names.includes(name));
      const kwh = predicted(known, rowsOf(others.map((name) => here.get(name)), suited), constants);
      const scale = spreadOf(known, constants);
      off.push(others.map((name, i) => Math.log(there.get(name).energy_kwh / kwh[i]) / scale));
    }
    const count = sum(off.map((errors) => errors.length));
    if (count >= 9) {
      const ofGpus = off.length < constants.enough_gpus ? off : [off.flat()];
      const [half, by] = widest(ofGpus.map((errors) => halfWidth(errors, constants)));
      found.push([half * own, `${by}, ${count} errors of the same references on the study's other GPUs`]);
    }
    if (names.length >= 4 && off.length < 2) {
      const [half, by] = halfWidth(leftOutErrors(set, constants), constants);
      found.push([half, `${by}, ${names.length - 2} references between the ends left out one by one`]);
    }
    return found.length ? widest(found) : [null, "none: fewer than 4 references, and too few systems on the study's other GPUs"];
  }

  // as Python writes it with .3g
  function figures(value) {
    if (value === 0) return "0";
    const [mantissa, power] = value.toExponential(2).split("e");
    const exponent = Number(power), trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (exponent >= -4 && exponent < 3) return trimmed(Number(`${mantissa}e${power}`).toFixed(Math.max(2 - exponent, 0)));
    return `${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }

  function warnings(study, mine, known, asked, columns, names, kinds, half) {
    const found = [], factor = study.constants.plausible_factor;
    const ratios = mine.map((system, i) => system.energy_kwh / known[i].energy_kwh), middle = median(ratios);
    if (!(middle > 1 / factor && middle < factor)) {
      found.push(`units: the references take ${figures(middle)} times as much energy on your GPU as on the target; are your energies in kWh?`);
    }
    names.forEach((name, i) => {
      if (!(ratios[i] / middle > 1 / factor && ratios[i] / middle < factor)) {
        found.push(`units: ${name} takes ${figures(ratios[i])} times as much energy on your GPU, the others about ${figures(middle)}`);
      }
    });
    for (const column of COLUMNS.filter((name) => asked[name] != null && !columns.includes(name))) {
      found.push(`not used: ${column}, which is not known of all references`);
    }
    for (const column of columns) {
      const values = mine.map((system) => system[column]), low = Math.min(...values), high = Math.max(...values);
      if (!(low <= asked[column] && asked[column] <= high)) {
        found.push(`extrapolation: ${column} of your system is ${figures(asked[column])}, the references span ${figures(low)} to ${figures(high)}`);
      }
    }
    if (mine.length < 4) found.push(`few references: ${mine.length} fix a line and leave none to check it with; measure 4 or more`);
    if (half === null) found.push("no interval: nothing here tells how wrong the estimate may be");
    if (String(kinds) !== "measured") found.push(`kind: the study's energies on the target are ${kinds.join(" and ")}`);
    return found;
  }

  // references: [{name, energy_kwh, duration_s or null}]; asked: {energy_kwh, duration_s, flops, params}, null if unknown
  function normalize(study, target, phase, references, asked) {
    const there = onGpu(study, phase, target);
    for (const { name } of references) {
      if (!there.has(name)) throw new Error(`references: found ${name}, which was not measured on ${target}`);
    }
    if (references.length < 2) throw new Error(`references: found ${references.length}, expected at least 2`);
    const timed = references.every((one) => one.duration_s != null);
    const all = [...references.map((one) => [one.name, { ...one, duration_s: timed ? one.duration_s : null }]), ["the system", asked]];
    for (const [name, system] of all) {
      for (const column of COLUMNS) {
        if (system[column] != null && !positive(system[column])) {
          throw new Error(`${column} of ${name}: found ${system[column]}, expected a number above 0`);
        }
      }
    }
    const names = references.map(({ name }) => name), known = names.map((name) => there.get(name));
    const mine = references.map((one, i) => ({ ...known[i], energy_kwh: one.energy_kwh, duration_s: timed ? one.duration_s : null }));
    const columns = COLUMNS.filter((column) => asked[column] != null && complete(mine, column));
    const set = { rows: rowsOf(mine, columns), kwh: known.map((system) => system.energy_kwh) };
    if (distinct(set.rows) < 2) {
      throw new Error(`references: found energies that are all ${set.rows[0][0]} kWh, expected at least 2 different ones`);
    }
    const [energy_kwh] = predicted(set, rowsOf([asked], columns), study.constants);
    const [half, basis] = interval(study, phase, target, set, names, columns);
    const kinds = study.phases[phase][target].kinds;
    return {
      target, phase, energy_kwh,
      low_kwh: half === null ? null : energy_kwh / Math.exp(half),
      high_kwh: half === null ? null : energy_kwh * Math.exp(half),
      coverage: study.constants.coverage,
      method: names.length < 4
        ? "line through the references of lowest and highest energy"
        : `corrected: two-point line and relative ridge, corrected on ${columns.join(", ")}`,
      interval: basis,
      references: names,
      warnings: warnings(study, mine, known, asked, columns, names, kinds, half),
    };
  }

  return { normalize, figures };
})();
