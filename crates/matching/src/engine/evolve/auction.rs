//! Replaying sessions and auctions.

use super::super::Engine;
use super::{Misfit, expect};
use crate::auction::Auction;
use crate::event::{AuctionDeferred, Body, IndicativeChanged};

impl Engine {
    pub(super) fn evolve_auction(&mut self, version: u64, body: &Body) -> Result<(), Misfit> {
        match body {
            Body::SessionChanged(e) => {
                let market = self.advance_market(version, e.instrument_id, e.symbol)?;
                expect(!self.unfinished.contains(&market), "a session that is not settled")?;
                self.assign_session(market, e.session);
                Ok(())
            }
            Body::IndicativeChanged(e) => self.evolve_indicative(version, e),
            Body::AuctionUncrossed(e) => {
                let market = self.advance_market(version, e.instrument_id, e.symbol)?;
                self.check_terms(e.symbol, 1, e.price.0)?;
                expect((e.surplus.0 > 0) == e.surplus_side.0.is_some(), "the surplus")?;
                let call = &mut self.markets[market as usize].call;
                (call.price, call.volume) = (0, 0);
                Ok(())
            }
            Body::AuctionDeferred(e) => self.evolve_session_deferred(version, e),
            Body::AuctionResumed(e) => {
                let market = self.advance_market(version, e.instrument_id, e.symbol)?;
                expect(self.unfinished.remove(&market), "the deferred auction")
            }
            _ => Err(Misfit::Value("the event type")),
        }
    }

    fn evolve_indicative(&mut self, version: u64, e: &IndicativeChanged) -> Result<(), Misfit> {
        let market = self.advance_market(version, e.instrument_id, e.symbol)?;
        let (volume, surplus, surplus_side) = (e.volume.0, e.surplus.0, e.surplus_side.0);
        let told = e.price.map(|price| Auction { price: price.0, volume, surplus, surplus_side });
        if let Some(price) = e.price {
            self.check_terms(e.symbol, 1, price.0)?;
        }
        let fits = told.is_some() == (volume > 0) && (surplus > 0) == surplus_side.is_some();
        let market = &mut self.markets[market as usize];
        expect(fits && market.session.is_call() && market.call.told != told, "the indicative price")?;
        market.call.told = told;
        Ok(())
    }

    fn evolve_session_deferred(&mut self, version: u64, e: &AuctionDeferred) -> Result<(), Misfit> {
        let market = self.advance_market(version, e.instrument_id, e.symbol)?;
        let price = e.price.0.map_or(0, |price| price.0);
        if price != 0 {
            self.check_terms(e.symbol, 1, price)?;
        }
        let call = &mut self.markets[market as usize].call;
        (call.price, call.volume) = (price, e.volume.0);
        expect(price != 0 || e.volume.0 == 0, "the volume")?;
        expect(self.unfinished.insert(market), "the deferred auction")
    }
}
