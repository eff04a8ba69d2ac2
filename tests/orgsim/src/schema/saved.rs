//! Changes of the declarations as bytes, for the log.

use std::sync::Arc;

use super::{Object, Schema};

impl Schema {
    /// The objects that are not what they were in `before`, an earlier version of these declarations.
    pub(crate) fn changes_since(&self, before: &Self) -> Vec<u8> {
        let changed: Vec<(usize, &Object)> = self
            .objects
            .iter()
            .enumerate()
            .filter(|(at, object)| {
                let old = before.objects.get(*at);
                old.is_none_or(|old| !Arc::ptr_eq(old, object))
            })
            .map(|(at, object)| (at, object.as_ref()))
            .collect();
        serde_json::to_vec(&changed).unwrap_or_default()
    }

    /// Makes the changes again that [`Schema::changes_since`] found; nothing when they are not understood.
    pub(crate) fn apply(&mut self, bytes: &[u8]) -> Option<()> {
        let changed: Vec<(usize, Object)> = serde_json::from_slice(bytes).ok()?;
        for (at, mut object) in changed {
            object.index();
            if at == self.objects.len() {
                self.objects.push(Arc::new(object));
            } else {
                *self.objects.get_mut(at)? = Arc::new(object);
            }
        }
        self.by_name.clear();
        self.by_prefix.clear();
        for (at, object) in self.objects.iter().enumerate() {
            // A removed object's prefix stays taken.
            let sharers = self.by_prefix.entry(object.mint.prefix()).or_default();
            if !object.removed() {
                sharers.push(at);
                self.by_name.insert(object.name.to_lowercase(), at);
            }
        }
        self.link().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::field;

    #[test]
    fn changes_can_be_made_again_from_bytes() {
        let before = Schema::load().unwrap();
        let mut after = before.clone();
        after
            .declare(
                "object Shop__c key=a0x can=QRPCUDX\n  +custom\n  Owner__c ->User rel=Owner__r\n",
            )
            .unwrap();
        let (account, _) = after.find("Account").unwrap();
        after
            .put_field(account, field("Shop__c ->Shop__c rel=Shop__r").unwrap())
            .unwrap();
        after.remove_object("Region__c");
        let bytes = after.changes_since(&before);
        let mut again = before.clone();
        again.apply(&bytes).unwrap();
        assert_eq!(again.objects.len(), after.objects.len());
        for (left, right) in again.objects.iter().zip(&after.objects) {
            assert_eq!(format!("{left:?}").len(), format!("{right:?}").len());
            assert_eq!(left.stamp_field, right.stamp_field);
        }
        let (shop, declared) = again.find("shop__c").unwrap();
        assert_eq!(again.locate(&declared.mint.id(3)), Some((shop, 3)));
        assert!(again.children(shop).any(|(child, _)| child == account));
        assert!(again.find("Region__c").is_none());
        assert_eq!(again.free_prefix(), after.free_prefix());
        assert_eq!(again.changes_since(&before).len(), bytes.len());
        assert!(again.apply(b"nonsense").is_none());
    }
}
